// Phase `speed`: what the device could do at best, images a second of every network in every precision,
// and the times of a step's operations beside their floors. A step is timed as training does it: images
// on the device where they fit, several steps in flight.

import { z } from 'zod';
import { IMAGENET_NORMALIZATION } from '../../src/data/normalization.ts';
import { lowerTraining } from '../../src/engine/lower-train.ts';
import type { WebGpuBackend } from '../../src/engine/webgpu/backend.ts';
import type { Ceilings } from '../../src/engine/webgpu/ceilings.ts';
import type { KernelTiming } from '../../src/engine/webgpu/timing.ts';
import { initializeWeights } from '../../src/nn/initialize.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { multiplyAdds } from '../../src/nn/summary.ts';
import { writeTraining } from '../../src/train/executables.ts';
import { formatRate } from '../markdown.ts';
import { createSteps, randomInputs } from '../steps.ts';
import type { Gpu } from './device.ts';
import { groupOperations } from './floors.ts';
import type { GpuSettings } from './options.ts';
import type { Unit } from './units.ts';

/** Two operations a multiply-add; forward, input gradient and weight gradient. */
const OPERATIONS = 6;
/** Stretches of a measurement, of which the median counts. */
const STRETCHES = 9;
/** Seconds of work before the first: an idle GPU has lowered its clocks. */
const WARM_UP = 1;
/** A step of this many layers has thousands of kernels of a few shapes: others show the same. */
const DEEPEST_PROFILED = 110;
const PROFILED_STEPS = 7;

export const speedSchema = z.object({
  imagesPerSecond: z.number(),
  /** Of the stretches. */
  slowest: z.number(),
  fastest: z.number(),
  stepMilliseconds: z.number(),
  /** Of the direct algorithm. */
  teraflops: z.number(),
  memoryBytes: z.number(),
  memory: z.enum(['keep', 'recompute']),
  /** Kernels, tuning and the first step. */
  compileSeconds: z.number(),
  backend: z.string(),
});
export type SpeedResult = z.infer<typeof speedSchema>;

export const ceilingsSchema = z.object({
  gflops: z.number(),
  copies: z.array(z.object({ bytes: z.number(), gigabytesPerSecond: z.number() })),
});

export function speedUnits(
  gpu: Gpu,
  settings: GpuSettings,
  say: (line: string) => void,
  ceilings: () => Ceilings | undefined,
): Unit[] {
  const units: Unit[] = [
    {
      name: 'ceilings',
      measure: () => gpu.use('float32', 'auto', (backend) => backend.measureCeilings()),
    },
  ];
  for (const precision of settings.precisions) {
    for (const arch of settings.networks) {
      units.push({
        name: `speed/${precision}/${arch}`,
        measure: () =>
          gpu.use(precision, 'auto', async (backend) => {
            const result = await measureSpeed(backend, arch, settings);
            say(`${arch}, ${precision}: ${formatRate(result.imagesPerSecond)} images/s`);
            return result;
          }),
      });
      if (createNetwork(arch).depth > DEEPEST_PROFILED) continue;
      units.push({
        name: `operations/${precision}/${arch}`,
        measure: () =>
          gpu.use(precision, 'auto', (backend) =>
            measureOperations(backend, arch, settings, ceilings()),
          ),
      });
    }
  }
  return units;
}

async function prepare(backend: WebGpuBackend, arch: string, batch: number) {
  const network = createNetwork(arch, arch.startsWith('plain') ? {} : { shortcut: 'A' });
  const memory = network.depth > DEEPEST_PROFILED ? 'recompute' : 'keep';
  const program = lowerTraining(network, { batchSize: batch, memory });
  const executable = await backend.compile(program);
  await writeTraining(executable, initializeWeights(network, 1), IMAGENET_NORMALIZATION);
  return { network, memory, executable } as const;
}

async function measureSpeed(
  backend: WebGpuBackend,
  arch: string,
  { batch, seconds }: GpuSettings,
): Promise<SpeedResult> {
  const begin = performance.now();
  const { network, memory, executable } = await prepare(backend, arch, batch);
  const steps = await createSteps(executable, randomInputs(batch, network.classes));
  await steps.next();
  await steps.finish();
  const compileSeconds = (performance.now() - begin) / 1000;
  const stretch = async (count: number) => {
    const start = performance.now();
    for (let i = 0; i < count; i++) await steps.next();
    await steps.finish();
    return (performance.now() - start) / 1000 / count;
  };
  const cold = await stretch(2);
  const each = await stretch(Math.ceil(Math.min(WARM_UP, 3 * seconds) / cold));
  const count = Math.ceil(seconds / STRETCHES / each);
  const times: number[] = [];
  for (let i = 0; i < STRETCHES; i++) times.push(await stretch(count));
  times.sort((a, b) => a - b);
  const median = times[Math.floor(STRETCHES / 2)]!;
  const { memoryBytes } = executable;
  await executable.dispose();
  return {
    imagesPerSecond: batch / median,
    slowest: batch / times.at(-1)!,
    fastest: batch / times[0]!,
    stepMilliseconds: 1000 * median,
    teraflops: (OPERATIONS * batch * multiplyAdds(network)) / median / 1e12,
    memoryBytes,
    memory,
    compileSeconds,
    backend: backend.description,
  };
}

async function measureOperations(
  backend: WebGpuBackend,
  arch: string,
  { batch }: GpuSettings,
  ceilings: Ceilings | undefined,
) {
  const { network, executable } = await prepare(backend, arch, batch);
  const inputs = randomInputs(batch, network.classes);
  await executable.run(inputs);
  const steps: KernelTiming[][] = [];
  for (let i = 0; i < PROFILED_STEPS; i++) steps.push(await executable.time(inputs));
  await executable.dispose();
  const kernels = steps[0]!.map((kernel, i) => {
    const times = steps.map((step) => step[i]!.milliseconds).sort((a, b) => a - b);
    return { ...kernel, milliseconds: times[Math.floor(PROFILED_STEPS / 2)]! };
  });
  const { buffers, named } = executable.program;
  return groupOperations(kernels, ceilings, buffers[named.parameters]!.elements);
}
