// A tiny training that runs on any backend in any host: in a page and in Node.js on WebGPU, and
// beside them on the CPU engine.

import { createBatch, epochOrder, makeBatch } from '../../src/data/batches.ts';
import { IMAGENET_NORMALIZATION } from '../../src/data/normalization.ts';
import { makeSynthetic } from '../../src/data/synthetic.ts';
import type { Backend } from '../../src/engine/backend.ts';
import { lowerTraining } from '../../src/engine/lower-train.ts';
import { initializeWeights } from '../../src/nn/initialize.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { writeTraining } from '../../src/train/executables.ts';
import type { Deviation } from './deviations.ts';

const BATCH = 4;
const STEPS = 10;
const SGD = { learningRate: 0.01, momentum: 0.9, weightDecay: 1e-4 };

/** Mean loss of each step; two epochs of a data set of five batches. */
export async function trainTiny(backend: Backend): Promise<number[]> {
  const { train, classes } = makeSynthetic(`synthetic:train=${(BATCH * STEPS) / 2},test=1`);
  const network = createNetwork('resnet8', { shortcut: 'A', classes: classes.length });
  const program = lowerTraining(network, { batchSize: BATCH });
  const executable = await backend.compile(program);
  await writeTraining(executable, initializeWeights(network, 4), IMAGENET_NORMALIZATION);
  const batch = createBatch(BATCH);
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const epoch = Math.floor((2 * step) / STEPS);
    const order = epochOrder(1, epoch, train.count, true);
    const start = (step * BATCH) % train.count;
    makeBatch(train, order, start, BATCH, batch, { seed: 1, epoch });
    const { lossSum, count } = await executable.run({ ...batch, sgd: SGD });
    losses.push(lossSum / count);
  }
  await executable.dispose();
  return losses;
}

/** Mean loss of each of the two epochs, to see that what is compared is training. */
export function epochLosses(losses: readonly number[]): [number, number] {
  const mean = (steps: readonly number[]) => steps.reduce((a, b) => a + b) / steps.length;
  return [mean(losses.slice(0, STEPS / 2)), mean(losses.slice(STEPS / 2))];
}

/**
 * How far a loss curve is from another: rounding in the first step, which then grows. Where a value
 * beside a ReLU's zero falls on the other side, later losses are up to 2e-3 away (four seeds were tried).
 */
export function curveDeviations(
  losses: readonly number[],
  expected: readonly number[],
): Deviation[] {
  if (losses.length !== STEPS || expected.length !== STEPS) throw new Error('a curve is cut off');
  return losses.map((loss, step) => ({
    what: `loss of step ${step}`,
    value: Math.abs(loss - expected[step]!),
    bound: step === 0 ? 5e-5 : 1e-2,
  }));
}
