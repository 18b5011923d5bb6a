// A short measurement of how fast this machine trains: for the estimate that comes before a grid, and for a
// dry run, which shows what it does on the way.

import type { Dataset } from '../data/dataset.ts';
import { makeNormalization } from '../data/normalization.ts';
import type { Backend } from '../engine/backend.ts';
import { createNetwork } from '../nn/network.ts';
import type { TrainConfig } from '../train/config.ts';
import type { TrainEvent } from '../train/events.ts';
import { Trainer } from '../train/loop.ts';
import { type MeasuredSpeed, speedOf } from './cost.ts';

export interface MeasureOptions {
  /** Of one run of the grid; what it trains is thrown away. */
  readonly config: TrainConfig;
  readonly dataset: Dataset;
  readonly backend: Backend;
  /** How long to measure at least, after the first step (default 1.5). */
  readonly seconds?: number;
  /** No longer than an epoch, so that nothing is evaluated. */
  readonly withinEpoch?: boolean;
  readonly onEvent?: (event: TrainEvent) => void;
}

/** Trains for a moment and says how fast that went, and how much memory it took. */
export async function measureSpeed(
  options: MeasureOptions,
): Promise<MeasuredSpeed & { readonly memoryBytes: number }> {
  const { config, dataset, backend, seconds = 1.5, withinEpoch = false, onEvent } = options;
  const network = createNetwork(config.arch, config);
  const normalization = makeNormalization(config.normalization, dataset.train);
  const trainer = await Trainer.create({ config, dataset, normalization, network, backend });
  let first: number | undefined;
  let rest = 0;
  let images = 0;
  try {
    for await (const event of trainer.run()) {
      onEvent?.(event);
      if (event.kind !== 'step') continue;
      // The first step compiles and touches all memory for the first time.
      if (first === undefined) first = event.count / event.batchTime;
      else {
        rest += event.batchTime;
        images += event.count;
      }
      if (rest >= seconds || (withinEpoch && event.batch + 1 === event.batches)) break;
    }
  } finally {
    await trainer.dispose();
  }
  const speed = speedOf(config.arch, rest > 0 ? images / rest : (first ?? 0));
  return { ...speed, memoryBytes: trainer.memoryBytes };
}
