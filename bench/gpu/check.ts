// Phase `check`: is what the GPU computes right? `table6 doctor`, then the cases of the conformance
// suite against the float64 oracle in every precision, and the tiles that tuning picks against the
// fixed ones. Measured deviations are kept beside their bounds, also where they are too large.

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { z } from 'zod';
import { IMAGENET_NORMALIZATION } from '../../src/data/normalization.ts';
import { lowerTraining } from '../../src/engine/lower-train.ts';
import { initializeWeights } from '../../src/nn/initialize.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { writeTraining } from '../../src/train/executables.ts';
import { CONFORMANCE_CASES, randomBatch, titleOf } from '../../test/conformance/cases.ts';
import {
  COUNTS,
  type ConformanceTolerances,
  evaluationDeviations,
  oracleOutcome,
  outcomeOf,
  stepDeviations,
} from '../../test/conformance/outcome.ts';
import { type Deviation, distance } from '../../test/support/deviations.ts';
import type { Gpu } from './device.ts';
import type { GpuSettings, Precision } from './options.ts';
import type { Unit } from './units.ts';

/** Of float32 as in the suite; half precision rounds feature maps to 11 bits. */
const TOLERANCES: Record<Precision, ConformanceTolerances> = {
  float32: { loss: 1e-5, gradient: 1e-4, state: 1e-5, logits: 1e-5 },
  half: { loss: 2e-2, gradient: 0.3, state: 5e-2, logits: 2e-2 },
  'tensor-cores': { loss: 2e-2, gradient: 0.3, state: 5e-2, logits: 2e-2 },
};
const TUNED_BOUND: Record<Precision, number> = {
  float32: 1e-3,
  half: 0.2,
  'tensor-cores': 0.2,
};

/** The worst of each kind of deviation. */
export const checkSchema = z.object({
  right: z.boolean(),
  deviations: z.array(z.object({ what: z.string(), value: z.number(), bound: z.number() })),
});
export type CheckResult = z.infer<typeof checkSchema>;

export function checkUnits(gpu: Gpu, settings: GpuSettings, say: (line: string) => void): Unit[] {
  const cases = settings.tiny ? CONFORMANCE_CASES.slice(0, 1) : CONFORMANCE_CASES;
  return [
    { name: 'doctor', measure: doctor },
    ...settings.precisions.flatMap((precision) => [
      ...cases.map((test): Unit => {
        const name = `check/${precision}/${titleOf(test)}`;
        return {
          name,
          measure: () =>
            gpu.use(precision, 'off', async (backend) => {
              const oracle = await oracleOutcome(test);
              const actual = await outcomeOf(backend, test, oracle);
              const tolerances = TOLERANCES[precision];
              const result = judge([
                ...COUNTS.flatMap((_, i) => stepDeviations(actual, oracle, i, tolerances)),
                ...evaluationDeviations(actual, oracle, tolerances),
              ]);
              say(`${name}: ${result.right ? 'right' : 'WRONG'}`);
              return result;
            }),
        };
      }),
      // A software adapter has only the fixed ones.
      ...(settings.software ? [] : [tunedTiles(gpu, precision, settings.batch)]),
    ]),
  ];
}

/** One kind of deviation each: `gradient of layer1.0.conv1.weight` is one of gradients. */
export function judge(deviations: readonly Deviation[]): CheckResult {
  const worst = new Map<string, Deviation>();
  for (const { what, value, bound } of deviations) {
    const kind = what.split(' of ')[0]!;
    const known = worst.get(kind);
    // NaN is the worst of all, and JSON has none.
    const size = Number.isNaN(value) ? Number.MAX_VALUE : value;
    if (!known || size / (bound || 1) > known.value / (known.bound || 1)) {
      worst.set(kind, { what: kind, value: size, bound });
    }
  }
  const kinds = [...worst.values()];
  return { right: kinds.every(({ value, bound }) => value <= bound), deviations: kinds };
}

/** Gradients of a step at the batch size that is measured, for which tiles are tuned. */
function tunedTiles(gpu: Gpu, precision: Precision, batch: number): Unit {
  const network = createNetwork('resnet14', { shortcut: 'A' });
  return {
    name: `check/${precision}/tuned tiles beside fixed ones, batch ${batch}`,
    async measure() {
      const program = lowerTraining(network, { batchSize: batch });
      const gradients: Float32Array[] = [];
      for (const tune of ['off', 'auto'] as const) {
        await gpu.use(precision, tune, async (backend) => {
          const executable = await backend.compile(program);
          await writeTraining(executable, initializeWeights(network, 3), IMAGENET_NORMALIZATION);
          await executable.run(randomBatch(10, batch, 5));
          gradients.push(await executable.read('gradients'));
          await executable.dispose();
        });
      }
      const [fixed, tuned] = gradients as [Float32Array, Float32Array];
      const value = distance(tuned, fixed);
      return judge([{ what: 'gradient', value, bound: TUNED_BOUND[precision] }]);
    },
  };
}

async function doctor(): Promise<unknown> {
  const program = path.join(import.meta.dirname, '..', '..', 'bin', 'table6.js');
  const { stdout, stderr } = spawnSync(process.execPath, [program, 'doctor', '--json'], {
    encoding: 'utf8',
  });
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`table6 doctor said: ${stderr.trim() || stdout.trim()}`);
  }
}
