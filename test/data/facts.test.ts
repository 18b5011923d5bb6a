// What `table6 data` shows of a data set.

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { augmentImage } from '../../src/data/augment.ts';
import { augmentationOf } from '../../src/data/batches.ts';
import { type Dataset, imageBytes } from '../../src/data/dataset.ts';
import { contactSheet, describeDataset, tile } from '../../src/data/facts.ts';
import { randomSplit } from './fixtures.ts';

const data: Dataset = {
  source: 'fixture',
  title: 'fixture',
  isOriginalCifar10: false,
  classes: ['a', 'b', 'c'],
  train: randomSplit(31, 3),
  test: randomSplit(6, 3, 1),
};

test('counts, statistics and a checksum that sha256sum would also give', async () => {
  const facts = await describeDataset(data);
  expect(facts.train.count).toBe(31);
  expect(facts.train.classCounts).toEqual([11, 10, 10]);
  expect(facts.test.classCounts).toEqual([2, 2, 2]);
  expect(facts.validation).toBeUndefined();
  // Uniform random bytes.
  for (const mean of facts.train.mean) expect(mean).toBeCloseTo(0.5, 1);
  for (const deviation of facts.train.deviation) expect(deviation).toBeCloseTo(0.2897, 2);
  const labels = Buffer.alloc(62);
  data.train.labels.forEach((label, i) => {
    labels.writeUInt16LE(label, 2 * i);
  });
  const sha256 = createHash('sha256').update(data.train.images).update(labels).digest('hex');
  expect(facts.train.sha256).toBe(sha256);
});

test('the checksum changes with one bit', async () => {
  const images = data.test.images.slice();
  images[100]! ^= 1;
  const changed = await describeDataset({ ...data, test: { ...data.test, images } });
  expect(changed.test.sha256).not.toBe((await describeDataset(data)).test.sha256);
});

describe('the contact sheet', () => {
  const at = (sheet: { width: number; pixels: Uint8Array }, row: number, column: number) => {
    const image = new Uint8Array(3072);
    for (let y = 0; y < 32; y++) {
      const start = ((2 + row * 34 + y) * sheet.width + 2 + column * 34) * 3;
      image.set(sheet.pixels.subarray(start, start + 96), y * 96);
    }
    return image;
  };
  const indexOf = (image: Uint8Array) =>
    Array.from(Array(31).keys()).find((i) =>
      Buffer.from(imageBytes(data.train, i)).equals(Buffer.from(image)),
    );

  test('has a row for each class', () => {
    const sheet = contactSheet(data, { columns: 4 });
    expect([sheet.width, sheet.height]).toEqual([4 * 34 + 2, 3 * 34 + 2]);
    for (let row = 0; row < 3; row++) {
      for (let column = 0; column < 4; column++) {
        const index = indexOf(at(sheet, row, column));
        expect(index! % 3).toBe(row);
      }
    }
  });

  test('with augmentation shows the same images, moved as training moves them', () => {
    const still = contactSheet(data, { columns: 2, rows: 2, seed: 5 });
    const moved = contactSheet(data, { columns: 2, rows: 2, seed: 5, augment: true });
    expect(moved.pixels).not.toEqual(still.pixels);
    const index = indexOf(at(still, 1, 1))!;
    expect(at(moved, 1, 1)).toEqual(
      augmentImage(imageBytes(data.train, index), augmentationOf({ seed: 5, epoch: 0 }, index)),
    );
  });

  test('zooms by whole pixels and leaves places without an image white', () => {
    const { width, height, pixels } = tile([imageBytes(data.train, 0), undefined, undefined], 2, 3);
    expect([width, height]).toEqual([2 * 98 + 2, 2 * 98 + 2]);
    const pixel = (x: number, y: number) =>
      Array.from(pixels.subarray((y * width + x) * 3).subarray(0, 3));
    expect(pixel(2, 2)).toEqual(Array.from(data.train.images.subarray(0, 3)));
    expect(pixel(4, 4)).toEqual(pixel(2, 2));
    expect(pixel(5, 2)).toEqual(Array.from(data.train.images.subarray(3, 6)));
    expect(pixel(2 + 98, 2)).toEqual([255, 255, 255]);
  });
});
