// How bytes become the network's input. The normalisation belongs to the weights: it is saved with
// them and used with them.

import { IMAGE_BYTES, IMAGE_CHANNELS, type Split } from './dataset.ts';

/** The choices, in the order in which help lists them. */
export const NORMALIZATION_KINDS = ['imagenet', 'dataset', 'per-pixel-mean'] as const;
export type NormalizationKind = (typeof NORMALIZATION_KINDS)[number];

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

/**
 * The normalisation of a data set. Statistics are those of the training images, never of the test
 * images, and of all channels' values as pixel / 255.
 * - `imagenet`: fixed numbers, whatever the images (the notebook's recipe).
 * - `dataset`: the training images' mean and (population) deviation of each channel.
 * - `per-pixel-mean`: the mean image is subtracted and nothing divided (He et al. 2015, section 4.2).
 * @param train the images that the network is trained on
 */
export function makeNormalization(kind: NormalizationKind, train: Split): Normalization {
  if (kind === 'imagenet') return IMAGENET_NORMALIZATION;
  if (kind === 'per-pixel-mean') {
    return { kind, mean: meanImage(train), deviation: [1, 1, 1] };
  }
  const { mean, deviation } = channelStatistics(train);
  // A channel without any variation would be divided by zero; it carries nothing either way.
  return { kind, mean, deviation: deviation.map((value) => (value > 0 ? value : 1)) };
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
