// What each run of a table needs of a node, reckoned from a short measurement on this machine.

import type { Need } from '../../cluster/arrays.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Backend } from '../../engine/backend.ts';
import { lowerInference } from '../../engine/lower-infer.ts';
import { lowerTrainingFor } from '../../engine/lower-train.ts';
import type { CellView } from '../../experiment/cells.ts';
import { runCost } from '../../experiment/cost.ts';
import { measureSpeed } from '../../experiment/measure.ts';
import { type Cell, cellFolder } from '../../experiment/plan.ts';
import { createNetwork } from '../../nn/network.ts';
import type { TrainConfig } from '../../train/config.ts';
import { formatRate } from '../../util/format.ts';
import { openBackend } from './backend.ts';

export interface MeasuredNeeds {
  readonly needs: ReadonlyMap<string, Need>;
  /** What was measured, for people. */
  readonly line: string;
}

/** @throws UserError where the device that the runs are for is not on this machine */
export async function measureNeeds(
  views: readonly CellView[],
  configOf: (cell: Cell) => TrainConfig,
  dataset: Dataset,
): Promise<MeasuredNeeds> {
  const sizes = {
    trainImages: dataset.train.count,
    evaluatedImages: dataset.test.count + (dataset.validation?.count ?? 0),
  };
  const costs = views.map(
    ({ cell, run }) => runCost(configOf(cell), sizes, run?.summary?.iteration).multiplyAdds,
  );
  const smallest = views[costs.indexOf(Math.min(...costs))]!.cell;
  const config = configOf(smallest);
  const backend = await openBackend(config);
  try {
    const speed = await measureSpeed({ config, dataset, backend });
    const bytes = new Map<string, number>();
    const needs = new Map<string, Need>();
    for (const [index, { cell }] of views.entries()) {
      const known = bytes.get(cell.arch);
      const memoryBytes = known ?? (await memoryOf(configOf(cell), backend, dataset));
      bytes.set(cell.arch, memoryBytes);
      const seconds = costs[index]! / speed.multiplyAddsPerSecond;
      needs.set(cellFolder(cell), { seconds, memoryBytes });
    }
    const line = `${speed.arch} trained ${formatRate(speed.imagesPerSecond)} images/s just now (${backend.description}); deeper networks are reckoned by their multiply-adds`;
    return { needs, line };
  } finally {
    await backend.dispose();
  }
}

/** The host's memory: on the CPU engine what training and evaluation hold, and the images. */
async function memoryOf(
  config: TrainConfig,
  backend: Backend,
  { train, test, validation }: Dataset,
): Promise<number> {
  const splits = validation ? [train, test, validation] : [train, test];
  const images = splits.reduce((sum, split) => sum + split.images.byteLength, 0);
  // A GPU's programs lie in its own memory.
  if (backend.name === 'webgpu') return images;
  const network = createNetwork(config.arch, config);
  const { batchSize, memory } = config;
  const training = await lowerTrainingFor(backend, network, { batchSize, memory });
  const inference = lowerInference(network, { batchSize });
  const plans = await Promise.all([training, inference].map((program) => backend.plan(program)));
  return plans.reduce((sum, { bytes }) => sum + bytes, images);
}
