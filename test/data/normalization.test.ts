// The numbers that turn bytes into the network's input come from the training images.

import { expect, test } from 'vitest';
import { emptySplit, IMAGE_BYTES } from '../../src/data/dataset.ts';
import { IMAGENET_NORMALIZATION, makeNormalization } from '../../src/data/normalization.ts';
import { randomSplit } from './fixtures.ts';

test("ImageNet's numbers do not depend on the images", () => {
  expect(makeNormalization('imagenet', randomSplit(3))).toBe(IMAGENET_NORMALIZATION);
});

test('dataset: normalised images have mean 0 and deviation 1 in every channel', () => {
  const split = randomSplit(50);
  const { mean, deviation } = makeNormalization('dataset', split);
  for (let channel = 0; channel < 3; channel++) {
    let sum = 0;
    let squares = 0;
    const count = split.images.length / 3;
    for (let i = channel; i < split.images.length; i += 3) {
      const value = (split.images[i]! / 255 - mean[channel]!) / deviation[channel]!;
      sum += value;
      squares += value * value;
    }
    expect(sum / count).toBeCloseTo(0, 10);
    expect(squares / count).toBeCloseTo(1, 10);
  }
});

test('per-pixel mean: the mean image is subtracted and nothing divided', () => {
  const split = emptySplit(2);
  split.images.fill(51, 0, IMAGE_BYTES);
  split.images.fill(255, IMAGE_BYTES);
  split.images[IMAGE_BYTES + 7] = 0;
  const { mean, deviation } = makeNormalization('per-pixel-mean', split);
  expect(mean).toHaveLength(IMAGE_BYTES);
  expect(mean[0]).toBeCloseTo(0.6, 12);
  expect(mean[7]).toBeCloseTo(0.1, 12);
  expect(deviation).toEqual([1, 1, 1]);
});

test('a channel without variation is not divided by zero', () => {
  expect(makeNormalization('dataset', emptySplit(2)).deviation).toEqual([1, 1, 1]);
});
