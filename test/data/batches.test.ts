// A batch is a pure function of seed, epoch and place; every image is used once an epoch.

import { describe, expect, test } from 'vitest';
import { augmentImage } from '../../src/data/augment.ts';
import {
  augmentationOf,
  batchCount,
  createBatch,
  epochOrder,
  makeBatch,
  sampleOrder,
} from '../../src/data/batches.ts';
import { IMAGE_BYTES, imageBytes } from '../../src/data/dataset.ts';
import { randomSplit } from './fixtures.ts';

const split = randomSplit(300);

describe('the order of an epoch', () => {
  test('has every image once', () => {
    const order = epochOrder(1, 3, 300, true);
    expect(Array.from(order).sort((a, b) => a - b)).toEqual(Array.from(Array(300).keys()));
  });

  test('is the same for the same seed and epoch, and another for another', () => {
    expect(epochOrder(1, 3, 300, true)).toEqual(epochOrder(1, 3, 300, true));
    expect(epochOrder(1, 3, 300, true)).not.toEqual(epochOrder(1, 4, 300, true));
    expect(epochOrder(1, 3, 300, true)).not.toEqual(epochOrder(2, 3, 300, true));
  });

  test("without shuffling is the data set's", () => {
    expect(Array.from(epochOrder(1, 3, 4, false))).toEqual([0, 1, 2, 3]);
  });
});

describe('a batch', () => {
  const order = epochOrder(7, 2, split.count, true);

  test('holds the images, labels and movements of its place in the order', () => {
    const batch = makeBatch(split, order, 128, 128, createBatch(128), { seed: 7, epoch: 2 });
    expect(batch.count).toBe(128);
    for (const place of [0, 1, 127]) {
      const index = order[128 + place]!;
      const bytes = batch.images.subarray(place * IMAGE_BYTES, (place + 1) * IMAGE_BYTES);
      expect(bytes).toEqual(imageBytes(split, index));
      expect(batch.labels[place]).toBe(split.labels[index]);
      const { row, column, flip } = augmentationOf({ seed: 7, epoch: 2 }, index);
      expect(Array.from(batch.augmentation.subarray(3 * place, 3 * place + 3))).toEqual([
        row,
        column,
        flip,
      ]);
    }
  });

  test('does not depend on the batches made before it', () => {
    const reused = createBatch(128);
    for (const start of [0, 128]) {
      makeBatch(split, order, start, 128, reused, { seed: 7, epoch: 2 });
    }
    const fresh = makeBatch(split, order, 128, 128, createBatch(128), { seed: 7, epoch: 2 });
    expect(reused).toEqual(fresh);
  });

  test('is shorter at the end of the epoch', () => {
    expect(batchCount(300, 128)).toBe(3);
    expect(makeBatch(split, order, 256, 128, createBatch(128)).count).toBe(44);
    expect(batchCount(50_000, 128)).toBe(391);
  });

  test('for evaluation leaves images where they are', () => {
    const batch = makeBatch(split, epochOrder(0, 0, 300, false), 0, 16, createBatch(16));
    expect(Array.from(batch.augmentation)).toEqual(Array(16).fill([4, 4, 0]).flat());
  });
});

describe('augmentation', () => {
  test('draws all 81 shifts and both directions, about equally', () => {
    const counts = new Map<string, number>();
    let flips = 0;
    for (let i = 0; i < 8100; i++) {
      const { row, column, flip } = augmentationOf({ seed: 5, epoch: 1 }, i);
      counts.set(`${row},${column}`, (counts.get(`${row},${column}`) ?? 0) + 1);
      flips += flip;
    }
    expect(counts.size).toBe(81);
    // 100 expected each, deviation 10.
    expect(Math.min(...counts.values())).toBeGreaterThan(55);
    expect(Math.max(...counts.values())).toBeLessThan(145);
    expect(Math.abs(flips - 4050)).toBeLessThan(180);
  });

  test('crops closer with less padding, about the middle, and as ever with all four', () => {
    const moves = (cropPadding?: number) =>
      Array.from({ length: 2000 }, (_, i) => augmentationOf({ seed: 5, epoch: 1, cropPadding }, i));
    expect(moves(4)).toEqual(moves());
    for (const padding of [1, 2]) {
      const near = Array.from({ length: 2 * padding + 1 }, (_, i) => 4 - padding + i);
      for (const side of ['row', 'column'] as const) {
        const seen = new Set(moves(padding).map((move) => move[side]));
        expect([...seen].sort()).toEqual(near);
      }
    }
    const still = moves(0);
    expect(new Set(still.map(({ row, column }) => `${row},${column}`))).toEqual(new Set(['4,4']));
    expect(new Set(still.map(({ flip }) => flip))).toEqual(new Set([0, 1]));
  });

  test('of 4, 4 and no flip changes nothing', () => {
    const image = imageBytes(split, 0);
    expect(augmentImage(image, { row: 4, column: 4, flip: 0 })).toEqual(image);
  });

  test('crops out of the image padded with black, then mirrors', () => {
    const image = imageBytes(split, 0);
    const pixel = (bytes: Uint8Array, y: number, x: number) =>
      Array.from(bytes.subarray((y * 32 + x) * 3, (y * 32 + x) * 3 + 3));
    // Crop origin (0, 6): the image moves 4 pixels down and 2 to the left.
    const moved = augmentImage(image, { row: 0, column: 6, flip: 0 });
    expect(pixel(moved, 3, 5)).toEqual([0, 0, 0]);
    expect(pixel(moved, 4, 0)).toEqual(pixel(image, 0, 2));
    expect(pixel(moved, 31, 29)).toEqual(pixel(image, 27, 31));
    expect(pixel(moved, 31, 30)).toEqual([0, 0, 0]);
    const mirrored = augmentImage(image, { row: 0, column: 6, flip: 1 });
    for (const x of [0, 5, 31]) expect(pixel(mirrored, 9, x)).toEqual(pixel(moved, 9, 31 - x));
  });
});

describe('a sample for a limited evaluation', () => {
  // In the order of the classes, as a folder of images is: 60, 30 and 10 of a hundred.
  const labels = Uint16Array.from({ length: 1000 }, (_, i) => (i < 600 ? 0 : i < 900 ? 1 : 2));
  const split = { count: 1000, labels, images: new Uint8Array() };
  const countsOf = (order: Uint32Array) =>
    [0, 1, 2].map((label) => [...order].filter((place) => labels[place] === label).length);

  test('has every class in its share, each image once, in order, and always the same ones', () => {
    const order = sampleOrder(split, 100);
    expect(countsOf(order)).toEqual([60, 30, 10]);
    expect(countsOf(sampleOrder(split, 10))).toEqual([6, 3, 1]);
    expect(new Set(order).size).toBe(100);
    expect([...order]).toEqual([...order].sort((a, b) => a - b));
    expect(sampleOrder(split, 100)).toEqual(order);
    // Not the first of each class, which may be frames of one film.
    expect(Math.max(...[...order].filter((place) => place < 600))).toBeGreaterThan(500);
  });

  test('of all images is all of them, in order', () => {
    for (const amount of [1000, 2000]) {
      expect([...sampleOrder(split, amount)]).toEqual([...labels.keys()]);
    }
  });
});
