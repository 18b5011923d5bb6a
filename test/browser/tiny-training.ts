// A tiny training that runs on any backend in any host: the browser test runs it in a page with
// WebGPU and in Node.js on the CPU engine, and compares.

import { createBatch, epochOrder, makeBatch } from '../../src/data/batches.ts';
import { IMAGENET_NORMALIZATION } from '../../src/data/normalization.ts';
import { makeSynthetic } from '../../src/data/synthetic.ts';
import type { Backend } from '../../src/engine/backend.ts';
import { lowerTraining } from '../../src/engine/lower-train.ts';
import { initializeWeights } from '../../src/nn/initialize.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { writeTraining } from '../../src/train/executables.ts';

const BATCH = 8;
const STEPS = 10;
const SGD = { learningRate: 0.02, momentum: 0.9, weightDecay: 1e-4 };

/** Mean loss of each step; two epochs of a data set of five batches. */
export async function trainTiny(backend: Backend): Promise<number[]> {
  const { train, classes } = makeSynthetic(`synthetic:train=${(BATCH * STEPS) / 2},test=1`);
  const network = createNetwork('resnet8', { shortcut: 'A', classes: classes.length });
  const program = lowerTraining(network, { batchSize: BATCH });
  const executable = await backend.compile(program);
  await writeTraining(executable, initializeWeights(network, 1), IMAGENET_NORMALIZATION);
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
