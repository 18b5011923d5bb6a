// What each run of a table needs of a node, reckoned from a short measurement on this machine.

import type { Need } from '../../cluster/arrays.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Backend } from '../../engine/backend.ts';
import { lowerInference } from '../../engine/lower-infer.ts';
import { lowerTrainingFor } from '../../engine/lower-train.ts';
import { type CellView, readCells } from '../../experiment/cells.ts';
import { dataSizes, type RunCost, runCost } from '../../experiment/cost.ts';
import { measureSpeed } from '../../experiment/measure.ts';
import { type Cell, cellFolder, type Plan } from '../../experiment/plan.ts';
import { createNetwork } from '../../nn/network.ts';
import { nodeHost } from '../../runs/runs.node.ts';
import type { TrainConfig } from '../../train/config.ts';
import { UserError } from '../../util/errors.ts';
import { formatRate } from '../../util/format.ts';
import type { Terminal } from '../console/terminal.ts';
import { openBackend } from './backend.ts';
import { type Machine, openTable } from './grid-machine.ts';

export interface NeedsRequest {
  readonly folder: string;
  readonly plan: Plan;
  readonly cells: readonly Cell[];
  readonly machine: Machine;
  readonly offline: boolean;
  /** Otherwise the data are only looked at. */
  readonly measure: boolean;
  /** The options that make measuring unnecessary. */
  readonly saidBy: string;
  readonly terminal: Terminal;
}

/**
 * Loads the data, so that what is wrong with them is said here, and measures what the runs need.
 * @returns by the names of the runs' folders; nothing where nothing was measured
 */
export async function needsOfRuns(request: NeedsRequest): Promise<ReadonlyMap<string, Need>> {
  const { folder, plan, cells, machine, offline, measure, saidBy, terminal } = request;
  const { dataset, configOf } = await openTable({
    ...{ plan, machine, offline, terminal, seed: cells[0]!.seed },
  });
  terminal.line(`data     ${dataset.title}: whole`);
  if (!measure) return new Map();
  const views = await readCells(nodeHost, folder, cells);
  try {
    const { needs, line } = await measureNeeds(views, configOf, dataset);
    terminal.line(`measured ${line}`);
    return needs;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(
      `What the runs need cannot be measured on this machine (${error.message.replace(/\.$/, '')}): say it with ${saidBy}.`,
      { cause: error },
    );
  }
}

/** Whether it is said for every network. */
export function isForAll(byNetwork: string | undefined): boolean {
  return byNetwork?.split(',').some((part) => !part.includes('=')) ?? false;
}

interface MeasuredNeeds {
  readonly needs: ReadonlyMap<string, Need>;
  /** What was measured, for people. */
  readonly line: string;
}

/** @throws UserError where the device that the runs are for is not on this machine */
async function measureNeeds(
  views: readonly CellView[],
  configOf: (cell: Cell) => TrainConfig,
  dataset: Dataset,
): Promise<MeasuredNeeds> {
  const costs = costsOf(views, configOf, dataset);
  const config = smallestOf(costs).config;
  await using backend = await openBackend(config);
  const { multiplyAddsPerSecond, line } = await measured(config, dataset, backend);
  const bytes = new Map<string, number>();
  const needs = new Map<string, Need>();
  for (const { cell, config: own, multiplyAdds } of costs) {
    const memoryBytes = bytes.get(cell.arch) ?? (await memoryOf(own, backend, dataset));
    bytes.set(cell.arch, memoryBytes);
    needs.set(cellFolder(cell), { seconds: multiplyAdds / multiplyAddsPerSecond, memoryBytes });
  }
  return { needs, line };
}

/** What a run costs from here on. */
interface CellCost extends RunCost {
  readonly cell: Cell;
  readonly config: TrainConfig;
}

export function costsOf(
  views: readonly CellView[],
  configOf: (cell: Cell) => TrainConfig,
  dataset: Dataset,
): CellCost[] {
  const sizes = dataSizes(dataset);
  return views.map(({ cell, run }) => {
    const config = configOf(cell);
    return { cell, config, ...runCost(config, sizes, run?.summary?.iteration) };
  });
}

/** The run that is measured. */
export function smallestOf(costs: readonly CellCost[]): CellCost {
  return costs.reduce((least, cost) => (cost.multiplyAdds < least.multiplyAdds ? cost : least));
}

/** How fast a run trains here, also in words. */
export async function measured(config: TrainConfig, dataset: Dataset, backend: Backend) {
  const speed = await measureSpeed({ config, dataset, backend });
  const rate = formatRate(speed.imagesPerSecond);
  const line = `${speed.arch} trained ${rate} images/s just now (${backend.description}); deeper networks are reckoned by their multiply-adds`;
  return { ...speed, line };
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
