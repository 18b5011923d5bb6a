// What `table6 data` shows: enough to see at a glance that a data set is the one that was meant, and
// a checksum to be sure.

import type { RgbRaster } from '../formats/png.node.ts';
import { sha256Hex } from '../formats/sha256.ts';
import { permutation, randomStream } from '../util/random.ts';
import { augmentImage } from './augment.ts';
import { augmentationOf } from './batches.ts';
import {
  type BatchFinding,
  classCounts,
  type Dataset,
  IMAGE_CHANNELS,
  IMAGE_SIZE,
  imageBytes,
  type Split,
} from './dataset.ts';
import { channelStatistics } from './normalization.ts';

export interface SplitFacts {
  readonly count: number;
  /** Images of each class, in label order. */
  readonly classCounts: readonly number[];
  /** Of each channel, in units of pixel / 255. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** SHA-256 of all images (NHWC bytes) followed by all labels (uint16, little-endian). */
  readonly sha256: string;
}

export interface DatasetFacts
  extends Pick<Dataset, 'source' | 'title' | 'isOriginalCifar10' | 'classes'> {
  /** In CIFAR-10's layout: how each batch compares with the published one. */
  readonly batches?: readonly BatchFinding[];
  readonly train: SplitFacts;
  readonly test: SplitFacts;
  readonly validation?: SplitFacts;
}

/** Counts, statistics and checksums of every split. */
export async function describeDataset(dataset: Dataset): Promise<DatasetFacts> {
  const { source, title, isOriginalCifar10, findings, classes, train, test, validation } = dataset;
  return {
    source,
    title,
    isOriginalCifar10,
    ...(findings && { batches: findings }),
    classes,
    train: await describeSplit(train, classes.length),
    test: await describeSplit(test, classes.length),
    ...(validation && { validation: await describeSplit(validation, classes.length) }),
  };
}

async function describeSplit(split: Split, classes: number): Promise<SplitFacts> {
  const bytes = new Uint8Array(split.images.length + 2 * split.count);
  bytes.set(split.images);
  const labels = new DataView(bytes.buffer, split.images.length);
  split.labels.forEach((label, i) => {
    labels.setUint16(2 * i, label, true);
  });
  return {
    count: split.count,
    classCounts: classCounts(split, classes),
    ...channelStatistics(split),
    sha256: await sha256Hex(bytes),
  };
}

export interface ContactSheetOptions {
  /** Images across and down. */
  readonly columns?: number;
  readonly rows?: number;
  /** Show them as an epoch of training with this seed moves them. */
  readonly augment?: boolean;
  readonly seed?: number;
  readonly split?: 'train' | 'test';
  /** Pixels on the sheet for one pixel of an image. */
  readonly zoom?: number;
}

/** Pixels between images. */
const GAP = 2;

/**
 * Images laid out in a grid, one class a row (repeating when there are more rows than classes), drawn
 * at random from the class but the same for the same seed, with and without augmentation.
 */
export function contactSheet(dataset: Dataset, options: ContactSheetOptions = {}): RgbRaster {
  const { columns = 10, rows = Math.min(20, dataset.classes.length) } = options;
  const { augment = false, seed = 0, zoom = 1 } = options;
  const split = dataset[options.split ?? 'train'];
  const byClass: number[][] = dataset.classes.map(() => []);
  for (const index of permutation(split.count, randomStream(seed, 'contact-sheet'))) {
    byClass[split.labels[index] as number]?.push(index);
  }
  const images: (Uint8Array | undefined)[] = [];
  for (let row = 0; row < rows; row++) {
    const ofClass = byClass[row % byClass.length] ?? [];
    const first = Math.floor(row / byClass.length) * columns;
    for (let column = 0; column < columns; column++) {
      const index = ofClass[first + column];
      if (index === undefined) images.push(undefined);
      else if (!augment) images.push(imageBytes(split, index));
      else
        images.push(
          augmentImage(imageBytes(split, index), augmentationOf({ seed, epoch: 0 }, index)),
        );
    }
  }
  return tile(images, columns, zoom);
}

/**
 * Puts 32 × 32 images side by side on white, `columns` to a row; undefined leaves a place empty.
 * @param zoom pixels on the sheet for one pixel of an image
 */
export function tile(
  images: readonly (Uint8Array | undefined)[],
  columns: number,
  zoom = 1,
): RgbRaster {
  const cell = IMAGE_SIZE * zoom + GAP;
  const width = columns * cell + GAP;
  const height = Math.ceil(images.length / columns) * cell + GAP;
  const pixels = new Uint8Array(width * height * IMAGE_CHANNELS).fill(255);
  images.forEach((image, place) => {
    if (image === undefined) return;
    const left = (place % columns) * cell + GAP;
    const top = Math.floor(place / columns) * cell + GAP;
    for (let y = 0; y < IMAGE_SIZE * zoom; y++) {
      for (let x = 0; x < IMAGE_SIZE * zoom; x++) {
        const from = (Math.floor(y / zoom) * IMAGE_SIZE + Math.floor(x / zoom)) * IMAGE_CHANNELS;
        const to = ((top + y) * width + left + x) * IMAGE_CHANNELS;
        pixels.set(image.subarray(from, from + IMAGE_CHANNELS), to);
      }
    }
  });
  return { width, height, pixels };
}
