// What is said of copies of CIFAR-10 that are almost right. The published batches are stood in for by
// generated ones, whose digests are taken the way the real ones were.

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { emptySplit, IMAGE_BYTES, type Split } from '../../src/data/dataset.ts';
import {
  compareWithOriginal,
  damagedBatches,
  ORIGINAL_CIFAR10,
  type OriginalBatch,
} from '../../src/data/original.ts';

/** Ten thousand images whose first bytes tell them apart. */
function batchOf(seed: number): Split {
  const batch = emptySplit(10_000);
  const view = new DataView(batch.images.buffer);
  for (let i = 0; i < batch.count; i++) {
    view.setUint32(i * IMAGE_BYTES, seed * 100_000 + i);
    batch.labels[i] = i % 10;
  }
  return batch;
}

function digest(bytes: Uint8Array, digits: number): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, digits);
}

function published(name: string, { images, labels }: Split): OriginalBatch {
  const blocks = Array.from({ length: 10 }, (_, i) => i * 1000);
  const pixels = (i: number) => images.subarray(i * IMAGE_BYTES, (i + 1000) * IMAGE_BYTES);
  const classes = (i: number) => Uint8Array.from(labels.subarray(i, i + 1000));
  return {
    name,
    images: blocks.map((i) => digest(pixels(i), 16)).join(' '),
    labels: blocks.map((i) => digest(classes(i), 8)).join(' '),
  };
}

function copyOf({ count, images, labels }: Split): Split {
  return { count, images: images.slice(), labels: labels.slice() };
}

const [one, two] = [batchOf(1), batchOf(2)];
const reference = [published('data_batch_1', one), published('test_batch', two)];
const found = async (...batches: Split[]) =>
  (await compareWithOriginal(batches, reference)).map(({ state, text }) => [state, text]);

describe('a batch of CIFAR-10 beside the published one', () => {
  test('is the original when every pixel and label is', async () => {
    expect(await found(one, two)).toEqual([
      ['original', ''],
      ['original', ''],
    ]);
  });

  test('one changed bit is placed among a thousand images', async () => {
    const damaged = copyOf(one);
    damaged.images[4500 * IMAGE_BYTES + 7]! ^= 1;
    expect((await found(damaged, two))[0]).toEqual([
      'altered',
      'of its images, some of 4,001 to 5,000 differ',
    ]);
  });

  test('changed labels are told from changed images, and neighbours are one range', async () => {
    const damaged = copyOf(one);
    damaged.labels[1999]! ^= 1;
    damaged.labels[2000]! ^= 1;
    damaged.labels[9000]! ^= 1;
    expect((await found(damaged, two))[0]).toEqual([
      'altered',
      'of its labels, some of 1,001 to 3,000 and some of 9,001 to 10,000 differ',
    ]);
  });

  test('a file under the name of another', async () => {
    expect((await found(two, two))[0]).toEqual(['altered', 'its images are those of test_batch']);
  });

  test('other pictures altogether', async () => {
    expect((await found(batchOf(9), two))[0]).toEqual([
      'altered',
      'none of its images are as published',
    ]);
  });

  test('a file that was cut off says how much of it is right', async () => {
    const part = {
      count: 2500,
      images: one.images.subarray(0, 2500 * IMAGE_BYTES),
      labels: one.labels.subarray(0, 2500),
    };
    expect((await found(part, two))[0]).toEqual([
      'part',
      '2,500 of 10,000 images; the first 2,000 are as published',
    ]);
  });

  test('is called damaged where others are right, and not where all are foreign', async () => {
    const foreign = await compareWithOriginal([batchOf(8), batchOf(9)], reference);
    expect(damagedBatches(foreign)).toEqual([]);
    const mixed = await compareWithOriginal([batchOf(8), two], reference);
    expect(damagedBatches(mixed).map(({ name }) => name)).toEqual(['data_batch_1']);
  });

  test('the published digests are complete', () => {
    expect(ORIGINAL_CIFAR10.map(({ name }) => name)).toEqual([
      ...[1, 2, 3, 4, 5].map((i) => `data_batch_${i}`),
      'test_batch',
    ]);
    for (const { images, labels } of ORIGINAL_CIFAR10) {
      expect(images).toMatch(/^([0-9a-f]{16} ){9}[0-9a-f]{16}$/);
      expect(labels).toMatch(/^([0-9a-f]{8} ){9}[0-9a-f]{8}$/);
    }
  });
});
