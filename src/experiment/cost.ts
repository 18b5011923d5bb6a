// What a grid costs before anybody waits for it: multiply-adds, disk, and with a measured speed the
// time. A training step is counted as three forward passes, and every epoch ends with a pass over the
// evaluated images.

import type { Dataset } from '../data/dataset.ts';
import { createNetwork } from '../nn/network.ts';
import { parameterCount, runningStatisticSpecs } from '../nn/parameters.ts';
import { multiplyAdds, TRAINING_PASSES } from '../nn/summary.ts';
import type { TrainConfig } from '../train/config.ts';
import { planRun } from '../train/schedule.ts';
import { elementCount } from '../util/tensor.ts';

/** Sizes of the data set that runs are trained on. */
export interface DataSizes {
  readonly trainImages: number;
  /** Test and validation images. */
  readonly evaluatedImages: number;
}

export function dataSizes({ train, test, validation }: Dataset): DataSizes {
  return { trainImages: train.count, evaluatedImages: test.count + (validation?.count ?? 0) };
}

export interface RunCost {
  /** Of the steps and evaluations that are still to be done. */
  readonly multiplyAdds: number;
  /** Of the finished run folder. */
  readonly diskBytes: number;
  readonly iterations: number;
}

const BYTES_PER_FLOAT = 4;
/** Lines of metrics.jsonl are about this long. */
const STEP_RECORD_BYTES = 330;
const EPOCH_RECORD_BYTES = 600;

/** @param iterationsDone steps that need not be done again */
export function runCost(config: TrainConfig, sizes: DataSizes, iterationsDone = 0): RunCost {
  const network = createNetwork(config.arch, config);
  const forward = multiplyAdds(network);
  const plan = planRun(config, sizes.trainImages);
  const perEpoch = Math.min(plan.batchesPerEpoch * config.batchSize, sizes.trainImages);
  const evaluated = Math.min(
    sizes.evaluatedImages,
    config.limitBatches > 0 ? config.limitBatches * config.batchSize : sizes.evaluatedImages,
  );
  const left = Math.max(0, 1 - iterationsDone / plan.iterations);
  const images = plan.iterations * (perEpoch / plan.batchesPerEpoch) * TRAINING_PASSES;
  return {
    multiplyAdds: forward * (images + evaluated * plan.epochs) * left,
    diskBytes: diskBytes(config, plan.epochs, plan.batchesPerEpoch),
    iterations: plan.iterations,
  };
}

function diskBytes(config: TrainConfig, epochs: number, batchesPerEpoch: number): number {
  const network = createNetwork(config.arch, config);
  const parameters = parameterCount(network);
  const running = runningStatisticSpecs(network).reduce(
    (sum, { shape }) => sum + elementCount(shape),
    0,
  );
  const weights = BYTES_PER_FLOAT * (parameters + running);
  const kept = 1 + (config.saveEvery > 0 ? Math.floor(epochs / config.saveEvery) : 0);
  const records = Math.ceil(batchesPerEpoch / config.metricsEvery) + 1;
  // `last` and `previous` have the momentum, too.
  const states = 2 * (weights + BYTES_PER_FLOAT * parameters);
  return kept * weights + states + epochs * (records * STEP_RECORD_BYTES + EPOCH_RECORD_BYTES);
}

/** A speed that was measured, as multiply-adds a second of one job. */
export interface MeasuredSpeed {
  readonly arch: string;
  readonly imagesPerSecond: number;
  readonly multiplyAddsPerSecond: number;
}

/** The speed of a network that trains so many images a second. */
export function speedOf(arch: string, imagesPerSecond: number): MeasuredSpeed {
  const perStep = TRAINING_PASSES * multiplyAdds(createNetwork(arch));
  const multiplyAddsPerSecond = imagesPerSecond * perStep;
  return { arch, imagesPerSecond, multiplyAddsPerSecond };
}

/**
 * Seconds that jobs side by side need for these runs, in their order, each at the measured speed.
 * @param multiplyAdds of each run
 */
export function wallSeconds(
  multiplyAdds: readonly number[],
  jobs: number,
  multiplyAddsPerSecond: number,
): number {
  const free = new Array<number>(Math.max(1, jobs)).fill(0);
  for (const work of multiplyAdds) {
    const next = free.indexOf(Math.min(...free));
    free[next]! += work / multiplyAddsPerSecond;
  }
  return Math.max(...free);
}
