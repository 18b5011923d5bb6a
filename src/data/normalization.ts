// How bytes become the network's input. The normalisation belongs to the weights: it is saved with
// them and used with them.

import { UserError } from '../util/errors.ts';
import { IMAGE_BYTES, IMAGE_CHANNELS, type Split } from './dataset.ts';

/** The choices that have names, in the order in which help lists them. */
export const NORMALIZATION_KINDS = [
  'imagenet',
  'cifar10',
  'half',
  'dataset',
  'per-pixel-mean',
] as const;
/** A name, or the numbers themselves: `0.5,0.5,0.5/0.2,0.2,0.2`. */
export type NormalizationKind = (typeof NORMALIZATION_KINDS)[number] | `${string}/${string}`;

export interface Normalization {
  /** Where the numbers come from. */
  readonly kind: NormalizationKind;
  /**
   * Subtracted from pixel / 255: three values (one a channel), or 32 × 32 × 3 in image order for
   * `per-pixel-mean`.
   */
  readonly mean: readonly number[];
  /** Divides what is left: three values, one a channel. */
  readonly deviation: readonly number[];
}

/**
 * ImageNet's mean and deviation, which the notebook (like the published weights) uses for CIFAR-10.
 */
export const IMAGENET_NORMALIZATION: Normalization = {
  kind: 'imagenet',
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
};

/** Those that need no images. */
const FIXED: Readonly<Record<string, Normalization>> = {
  imagenet: IMAGENET_NORMALIZATION,
  // CIFAR-10's means. The deviations are means of the images' own, smaller than that of all pixels (0.247
  // 0.243 0.262): many programs have handed them on from one to the next.
  cifar10: { kind: 'cifar10', mean: [0.4914, 0.4822, 0.4465], deviation: [0.2023, 0.1994, 0.201] },
  half: { kind: 'half', mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] },
};

/**
 * What somebody typed for a normalisation.
 * @throws UserError that completes "... must be"
 */
export function parseNormalization(text: string): NormalizationKind {
  const word = NORMALIZATION_KINDS.find((kind) => kind === text.trim().toLowerCase());
  if (word) return word;
  if (text.includes('/')) return numbersText(readNumbers(text));
  throw new UserError(
    `must be one of ${NORMALIZATION_KINDS.join(', ')}, or numbers as MEAN/DEVIATION (0.5,0.5,0.5/0.2,0.2,0.2), not "${text}"`,
  );
}

/** Numbers as a kind of normalisation. */
export function numbersText({
  mean,
  deviation,
}: Pick<Normalization, 'mean' | 'deviation'>): `${string}/${string}` {
  return `${mean.join(',')}/${deviation.join(',')}`;
}

/** `0.5/0.25`, or a number for each channel on both sides. */
function readNumbers(text: string): Pick<Normalization, 'mean' | 'deviation'> {
  const sides = text.split('/').map((side) => {
    const parts = side.trim().split(/[\s,]+/);
    const numbers = parts.map((part) => (part === '' ? NaN : Number(part)));
    return numbers.length === 1 ? [0, 1, 2].map(() => numbers[0] as number) : numbers;
  });
  const [mean, deviation] = sides;
  const isRight = sides.length === 2 && sides.every(({ length }) => length === IMAGE_CHANNELS);
  if (!isRight || !mean || !deviation || !sides.flat().every(Number.isFinite)) {
    throw new UserError(
      `must have three numbers on both sides, as MEAN/DEVIATION (0.5,0.5,0.5/0.2,0.2,0.2), not "${text}"`,
    );
  }
  if (mean.some((value) => value < 0 || value > 1)) {
    throw new UserError(
      `must have means from 0 to 1, since they are subtracted from pixel / 255 (0.5 for 127.5), not "${text}"`,
    );
  }
  if (deviation.some((value) => value <= 0 || value > 1)) {
    throw new UserError(
      `must have deviations above 0 and at most 1, since they divide pixel / 255, not "${text}"`,
    );
  }
  return { mean, deviation };
}

/**
 * A normalisation that needs no images.
 * @returns undefined for one that is made from the training images
 */
export function fixedNormalization(kind: NormalizationKind): Normalization | undefined {
  return kind.includes('/') ? { kind, ...readNumbers(kind) } : FIXED[kind];
}

/**
 * The normalisation of a data set. Statistics are those of the training images, never of the test
 * images, and of all channels' values as pixel / 255.
 * - `imagenet`, `cifar10`, `half`, numbers: fixed, whatever the images (imagenet is the notebook's).
 * - `dataset`: the training images' mean and (population) deviation of each channel.
 * - `per-pixel-mean`: the mean image is subtracted and nothing divided (He et al. 2015, section 4.2).
 * @param train the images that the network is trained on
 */
export function makeNormalization(kind: NormalizationKind, train: Split): Normalization {
  const fixed = fixedNormalization(kind);
  if (fixed) return fixed;
  if (train.count === 0) {
    throw new UserError(
      `The normalisation "${kind}" is made from training images, and there are none: give its numbers instead.`,
    );
  }
  if (kind === 'per-pixel-mean') {
    return { kind, mean: meanImage(train), deviation: [1, 1, 1] };
  }
  const { mean, deviation } = channelStatistics(train);
  // A channel without any variation would be divided by zero; it carries nothing either way.
  return { kind, mean, deviation: deviation.map((value) => (value > 0 ? value : 1)) };
}

/** For people: `half (mean 0.500 0.500 0.500, deviation 0.500 0.500 0.500)`. */
export function normalizationText({ kind, mean, deviation }: Normalization): string {
  const numbers = (values: readonly number[]) => values.map((value) => value.toFixed(3)).join(' ');
  const means = mean.length === 3 ? numbers(mean) : `${mean.length} means`;
  const text = `mean ${means}, deviation ${numbers(deviation)}`;
  return kind.includes('/') ? text : `${kind} (${text})`;
}

/** Mean and population deviation of each channel, in units of pixel / 255. */
export function channelStatistics(split: Split): { mean: number[]; deviation: number[] } {
  // A histogram first: sums of bytes and of their squares are then exact integers.
  const histogram = [0, 1, 2].map(() => new Float64Array(256));
  const [red, green, blue] = histogram as [Float64Array, Float64Array, Float64Array];
  const { images } = split;
  for (let i = 0; i + 2 < images.length; i += IMAGE_CHANNELS) {
    red[images[i]!]!++;
    green[images[i + 1]!]!++;
    blue[images[i + 2]!]!++;
  }
  const pixels = Math.max(1, images.length / IMAGE_CHANNELS);
  const mean = histogram.map((counts) => counts.reduce((sum, n, v) => sum + n * v, 0) / pixels);
  const deviation = histogram.map((counts, channel) => {
    const squares = counts.reduce((sum, n, v) => sum + n * (v - mean[channel]!) ** 2, 0);
    return Math.sqrt(squares / pixels) / 255;
  });
  return { mean: mean.map((value) => value / 255), deviation };
}

/** Mean over the images of every pixel and channel, in image order, in units of pixel / 255. */
function meanImage(split: Split): number[] {
  const sums = new Float64Array(IMAGE_BYTES);
  for (let i = 0; i < split.count; i++) {
    const start = i * IMAGE_BYTES;
    for (let j = 0; j < IMAGE_BYTES; j++) sums[j]! += split.images[start + j]!;
  }
  return Array.from(sums, (sum) => sum / (255 * Math.max(1, split.count)));
}
