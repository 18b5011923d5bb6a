// Small data and configurations for tests of training: random images of three classes.

import type { Dataset, Split } from '../../../src/data/dataset.ts';
import { IMAGE_BYTES } from '../../../src/data/dataset.ts';
import { IMAGENET_NORMALIZATION } from '../../../src/data/normalization.ts';
import type { Backend } from '../../../src/engine/backend.ts';
import { type ConfigOverrides, resolveConfig } from '../../../src/experiment/recipes.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import { weightsSha256 } from '../../../src/runs/checkpoint.ts';
import type { TrainConfig } from '../../../src/train/config.ts';
import type { TrainEvent } from '../../../src/train/events.ts';
import { Trainer } from '../../../src/train/loop.ts';
import type { TrainerOptions } from '../../../src/train/options.ts';
import type { TrainingState } from '../../../src/train/state.ts';
import { randomStream } from '../../../src/util/random.ts';

export const CLASSES = ['red', 'green', 'blue'];

export function randomSplit(count: number, name: string, classes = CLASSES.length): Split {
  const random = randomStream(7, name);
  return {
    count,
    images: Uint8Array.from({ length: count * IMAGE_BYTES }, () => random.integer(256)),
    labels: Uint16Array.from({ length: count }, () => random.integer(classes)),
  };
}

export function tinyDataset(
  sizes: { train?: number; test?: number; validation?: number } = {},
): Dataset {
  const { train = 10, test = 5, validation = 0 } = sizes;
  return {
    source: 'random',
    title: 'random pixels',
    isOriginalCifar10: false,
    classes: CLASSES,
    train: randomSplit(train, 'train'),
    test: randomSplit(test, 'test'),
    ...(validation > 0 && { validation: randomSplit(validation, 'validation') }),
  };
}

/** Three batches an epoch of the tiny data set: 4, 4 and 2 images. */
export function tinyConfig(overrides: ConfigOverrides = {}) {
  return resolveConfig({
    arch: 'resnet8',
    recipe: 'quick',
    overrides: {
      epochs: 2,
      classes: CLASSES.length,
      batchSize: 4,
      checkpointSeconds: 0,
      metricsEvery: 1,
      data: 'random',
      ...overrides,
    },
  });
}

/** Nine steps of three epochs, of which three rise. */
export function oneCycle(overrides: ConfigOverrides = {}): TrainConfig {
  const schedule = { kind: 'one-cycle', unit: 'epochs', length: 3, rise: 1 / 3 } as const;
  return { ...tinyConfig(overrides), schedule };
}

export function tinyTrainer(
  backend: Backend,
  options: Partial<Omit<TrainerOptions, 'backend'>> = {},
): Promise<Trainer> {
  const config = options.config ?? tinyConfig();
  return Trainer.create({
    config,
    dataset: tinyDataset(),
    normalization: IMAGENET_NORMALIZATION,
    network: createNetwork(config.arch, config),
    backend,
    ...options,
  });
}

export async function collect(
  events: AsyncIterable<TrainEvent>,
  see: (event: TrainEvent) => unknown = () => {},
): Promise<TrainEvent[]> {
  const all: TrainEvent[] = [];
  for await (const event of events) {
    all.push(event);
    await see(event);
  }
  return all;
}

export function ofKind<K extends TrainEvent['kind']>(
  events: readonly TrainEvent[],
  kind: K,
): Extract<TrainEvent, { kind: K }>[] {
  return events.filter((event): event is Extract<TrainEvent, { kind: K }> => event.kind === kind);
}

/** A state as a file would give it back: nothing shared with the trainer it came from. */
export const copyState = (state: TrainingState): TrainingState => structuredClone(state);

/** An event without what differs between two runs that train the same. */
export function timeless(event: TrainEvent): object {
  const times = /seconds|time|persecond/i;
  return Object.fromEntries(Object.entries(event).filter(([name]) => !times.test(name)));
}

/** Two states have it in common exactly if they have all bits of weights and momentum in common. */
export async function identity(state: TrainingState): Promise<string[]> {
  return [await weightsSha256(state.weights), await weightsSha256(state.momentum)];
}
