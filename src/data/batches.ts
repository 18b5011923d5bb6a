// From a split to batches. A batch is a pure function of (seed, epoch, place in the epoch), so any
// batch can be made directly: a resumed run, another thread count or another backend sees the same
// images, moved the same way. Only bytes and a few integers an image are gathered here (integers alone
// where the images lie on the device already); crop, flip and normalisation happen on the device, as
// the first operation of the program.

import { permutation, randomStream } from '../util/random.ts';
import { IMAGE_BYTES, type Split } from './dataset.ts';

/**
 * Pixels of black added on every side before the random crop (He et al. 2015, section 4.2). Devices
 * count an image's moves from this padding; a run may crop closer, never farther.
 */
export const CROP_PADDING = 4;

/** The order of an epoch's images: a fresh permutation each epoch, or 0..count-1. */
export function epochOrder(
  seed: number,
  epoch: number,
  count: number,
  shuffle: boolean,
): Uint32Array {
  if (!shuffle) return Uint32Array.from({ length: count }, (_, i) => i);
  return permutation(count, randomStream(seed, 'shuffle', epoch));
}

/**
 * A fixed sample of a split, for an evaluation that is cut short: of every class its share, and always the
 * same images. The first ones will not do, because a folder of images is in the order of its classes.
 * @returns places in the split, in their order
 */
export function sampleOrder({ count, labels }: Split, amount: number): Uint32Array {
  if (amount >= count) return epochOrder(0, 0, count, false);
  const mixed = permutation(count, randomStream(0, 'evaluation sample'));
  // By class, within a class at random; the sort is stable.
  const byClass = [...mixed].sort((a, b) => labels[a]! - labels[b]!);
  const places = Array.from(
    { length: amount },
    (_, i) => byClass[Math.floor(((i + 0.5) * count) / amount)] as number,
  );
  return Uint32Array.from(places).sort();
}

/** Batches in an epoch; the last one holds what is left. */
export function batchCount(images: number, batchSize: number): number {
  return Math.ceil(images / batchSize);
}

/** Where an image is cropped from after padding by 4 (4 = unmoved), and whether it is mirrored. */
export interface Augmentation {
  readonly row: number;
  readonly column: number;
  readonly flip: 0 | 1;
}

/** What decides how the images of an epoch are moved. */
export interface RandomMovement {
  readonly seed: number;
  readonly epoch: number;
  /** Pixels that an image moves at most in each direction, 0 to 4 (default 4). */
  readonly cropPadding?: number;
}

/**
 * How an image is moved in an epoch.
 * @param index its place in the data set, not in the epoch, so that the order does not matter
 */
export function augmentationOf(movement: RandomMovement, index: number): Augmentation {
  const { seed, epoch, cropPadding = CROP_PADDING } = movement;
  const random = randomStream(seed, 'augment', epoch, index);
  const nearest = CROP_PADDING - cropPadding;
  const row = nearest + random.integer(2 * cropPadding + 1);
  const column = nearest + random.integer(2 * cropPadding + 1);
  return { row, column, flip: random.integer(2) === 1 ? 1 : 0 };
}

/** How the images of a pass are moved: at random in an epoch of training, or mirrored and nothing else. */
export type Movement = RandomMovement | 'mirrored';

function movementOf(movement: Movement | undefined, index: number): Augmentation {
  if (movement === undefined) return UNMOVED;
  if (movement === 'mirrored') return MIRRORED;
  return augmentationOf(movement, index);
}

/** Which images a batch has, and how they are moved: all of it but the pixels. */
export interface Selection {
  /** Images in it, at most the batch size. */
  count: number;
  /** Place of each image in the split. */
  readonly indices: Uint32Array;
  readonly labels: Int32Array;
  /** count × (row, column, flip), see `Augmentation`. */
  readonly augmentation: Int32Array;
}

/** One batch's memory, reused from step to step; what the engine's `run` takes. */
export interface Batch extends Selection {
  /** count × 32 × 32 × 3 bytes. */
  readonly images: Uint8Array;
}

/** Memory for a batch of images that lie on the device already. */
export function createSelection(batchSize: number): Selection {
  return {
    count: 0,
    indices: new Uint32Array(batchSize),
    labels: new Int32Array(batchSize),
    augmentation: new Int32Array(batchSize * 3),
  };
}

export function createBatch(batchSize: number): Batch {
  return { ...createSelection(batchSize), images: new Uint8Array(batchSize * IMAGE_BYTES) };
}

/**
 * Selects the images `order[start .. start + size)`, fewer at the end of the epoch.
 * @param movement without it images stay unmoved, as for evaluation
 * @returns `selection`
 */
export function selectImages<S extends Selection>(
  split: Split,
  order: Uint32Array,
  start: number,
  size: number,
  selection: S,
  movement?: Movement,
): S {
  const count = Math.max(0, Math.min(size, order.length - start));
  selection.count = count;
  for (let i = 0; i < count; i++) {
    const index = order[start + i] as number;
    selection.indices[i] = index;
    selection.labels[i] = split.labels[index] as number;
    const moved = movementOf(movement, index);
    selection.augmentation[3 * i] = moved.row;
    selection.augmentation[3 * i + 1] = moved.column;
    selection.augmentation[3 * i + 2] = moved.flip;
  }
  return selection;
}

/** As `selectImages`, and copies their pixels. */
export function makeBatch(
  split: Split,
  order: Uint32Array,
  start: number,
  size: number,
  batch: Batch,
  movement?: Movement,
): Batch {
  selectImages(split, order, start, size, batch, movement);
  for (let i = 0; i < batch.count; i++) {
    const from = (batch.indices[i] as number) * IMAGE_BYTES;
    batch.images.set(split.images.subarray(from, from + IMAGE_BYTES), i * IMAGE_BYTES);
  }
  return batch;
}

const UNMOVED: Augmentation = { row: CROP_PADDING, column: CROP_PADDING, flip: 0 };
const MIRRORED: Augmentation = { ...UNMOVED, flip: 1 };
