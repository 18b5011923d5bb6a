// A training step of a tiny network on a backend, beside the float64 oracle: whether a machine, its
// drivers and this program compute together what they should. The conformance suite is the thorough
// form of it; this one takes a second or two and needs no test runner.

import { IMAGE_BYTES } from '../data/dataset.ts';
import { IMAGENET_NORMALIZATION } from '../data/normalization.ts';
import { initializeWeights } from '../nn/initialize.ts';
import { createNetwork } from '../nn/network.ts';
import { randomStream } from '../util/random.ts';
import type { Backend, BatchInputs } from './backend.ts';
import { normalizationValues } from './inputs.ts';
import { packTensors } from './layout.ts';
import { lowerTraining } from './lower-train.ts';
import type { Program } from './program.ts';
import { createReferenceBackend } from './reference/backend.ts';

export interface SelfTestResult {
  readonly ok: boolean;
  /** The largest ‖backend − oracle‖ / ‖oracle‖; NaN where something is no number. */
  readonly deviation: number;
  /** Of what, such as `gradient of layer1.0.conv1.weight`. */
  readonly where: string;
  /** What it may be at most. */
  readonly bound: number;
  /** Compiling included, the oracle not. */
  readonly seconds: number;
}

const BATCH = 4;
/** With these numbers no value comes so near to a ReLU's zero that float32 changes its sign ... */
const SEED = 7;
const SGD = { learningRate: 0.02, momentum: 0.9, weightDecay: 1e-3 };

/** ... in our own arithmetic; where it does, a part of a gradient comes or goes, about 1e-2 at most. */
const BOUNDS = { forward: 1e-4, gradient: 2e-2 };

/** @throws what the backend throws where it cannot compile or run the step */
export async function selfTest(backend: Backend): Promise<SelfTestResult> {
  const program = lowerTraining(createNetwork('resnet8', { shortcut: 'B' }), { batchSize: BATCH });
  const begin = performance.now();
  const actual = await step(backend, program);
  const seconds = (performance.now() - begin) / 1000;
  const expected = await step(createReferenceBackend(), program);
  const deviations = [...expected].map(([where, { values, bound }]) => {
    const deviation = relativeDistance(actual.get(where)!.values, values);
    return { ok: deviation <= bound, deviation, where, bound };
  });
  const wrong = deviations.filter(({ ok }) => !ok);
  const worst = (wrong.length > 0 ? wrong : deviations).reduce((a, b) =>
    b.deviation <= a.deviation ? a : b,
  );
  return { ...worst, seconds };
}

interface Outcome {
  readonly values: ArrayLike<number>;
  readonly bound: number;
}

/** Everything that a step computes, by what it is. */
async function step(backend: Backend, program: Program): Promise<Map<string, Outcome>> {
  const executable = await backend.compile(program);
  try {
    const weights = initializeWeights(program.network, SEED);
    for (const buffer of ['parameters', 'running'] as const) {
      await executable.write(buffer, packTensors(program, buffer, weights));
    }
    await executable.write('normalization', normalizationValues(IMAGENET_NORMALIZATION));
    const { lossSum } = await executable.run(randomBatch(program.network.classes));
    const { forward, gradient } = BOUNDS;
    const outcomes = new Map<string, Outcome>([
      ['loss', { values: [lossSum], bound: forward }],
      ['logits', { values: await executable.read('logits'), bound: forward }],
      ['parameters', { values: await executable.read('parameters'), bound: forward }],
    ]);
    const gradients = await executable.read('gradients');
    const running = await executable.read('running');
    for (const { name, buffer, offset, length } of program.slots) {
      const end = offset + length;
      if (buffer === 'running') {
        outcomes.set(name, { values: running.subarray(offset, end), bound: forward });
      } else {
        const values = gradients.subarray(offset, end);
        outcomes.set(`gradient of ${name}`, { values, bound: gradient });
      }
    }
    return outcomes;
  } finally {
    await executable.dispose();
  }
}

function randomBatch(classes: number): BatchInputs {
  const random = randomStream(SEED, 'self-test');
  const integers = (length: number, bound: number) =>
    Array.from({ length }, () => random.integer(bound));
  return {
    count: BATCH,
    images: Uint8Array.from(integers(BATCH * IMAGE_BYTES, 256)),
    labels: Int32Array.from(integers(BATCH, classes)),
    augmentation: Int32Array.from(integers(3 * BATCH, 9), (crop, i) =>
      i % 3 === 2 ? crop % 2 : crop,
    ),
    sgd: SGD,
  };
}

/** ‖a − b‖ / ‖b‖; 0 where both are zero, NaN where a value is no number. */
function relativeDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, square] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    square += b[i]! ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / square);
}
