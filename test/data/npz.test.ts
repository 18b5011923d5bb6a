// Keras's way of keeping data sets: arrays of numpy in a .npz.

import { describe, expect, test } from 'vitest';
import { parseNpy, readNpz } from '../../src/data/npz.ts';
import { writeZip } from '../../src/formats/zip-writer.ts';
import { npy, numpyArrays, planes, randomSplit } from './fixtures.ts';

const train = randomSplit(6, 3, 1);
const tested = randomSplit(3, 3, 2);
const labels = (values: Iterable<number>) =>
  new Uint8Array(BigInt64Array.from([...values].map(BigInt)).buffer);

const arrays = () => numpyArrays(train, tested);
const read = (files: Record<string, Uint8Array>) =>
  readNpz(writeZip(new Map(Object.entries(files))), 'mine.npz');

describe('a .npz', () => {
  test('gives the images and labels of both splits', async () => {
    const data = await read(arrays());
    expect(data).toMatchObject({ title: 'mine', isOriginalCifar10: false, source: 'mine.npz' });
    expect(data.classes).toEqual(['class 0', 'class 1', 'class 2']);
    expect(data.train).toEqual(train);
    expect(data.test).toEqual(tested);
  });

  test('colour planes are read as such, and other names of the arrays', async () => {
    const content = Buffer.concat([0, 1, 2].map((i) => Buffer.from(planes(tested, i))));
    const data = await read({
      'train_images.npy': npy('|u1', [3, 3, 32, 32], content),
      'train_labels.npy': npy('|u1', [3], Uint8Array.of(0, 1, 2)),
    });
    expect(data.train).toEqual(tested);
    expect(data.test).toBeUndefined();
  });

  test.each<[string, Record<string, Uint8Array>, string]>([
    [
      'grey images',
      { 'x_train.npy': npy('|u1', [6, 28, 28], new Uint8Array(4704)) },
      '6 × 28 × 28',
    ],
    ['floats', { 'x_train.npy': npy('<f4', [1, 1], new Uint8Array(4)) }, 'unsigned bytes'],
    ['columns', { 'x_train.npy': npy('|u1', [6, 3072], train.images, 'True') }, 'in column order'],
    [
      'too few labels',
      { 'y_train.npy': npy('<i8', [5], labels([1, 2, 3, 4, 5])) },
      '6 class numbers',
    ],
    ['labels below 0', { 'y_train.npy': npy('<i8', [6], labels([-1, 0, 1, 0, 1, 0])) }, 'from 0'],
    ['no array', { 'x_train.npy': new Uint8Array(20) }, 'no array of numpy'],
    ['objects', { 'x_train.npy': npy('|O8', [1], new Uint8Array(8)) }, 'a plain type'],
    ['a cut array', { 'x_train.npy': npy('|u1', [7, 32, 32, 3], train.images) }, 'as many bytes'],
  ])('%s: one sentence', async (_, files, message) => {
    await expect(read({ ...arrays(), ...files })).rejects.toThrow(message);
  });

  test('without the arrays it says which there are', async () => {
    await expect(read({ 'a.npy': npy('|u1', [1], new Uint8Array(1)) })).rejects.toThrow(
      'mine.npz has no arrays x_train and y_train (it has a)',
    );
  });
});

test('a number of one value is an array without extents', () => {
  expect(parseNpy(npy('>f8', [], new Uint8Array(8)))).toMatchObject({ shape: [] });
});
