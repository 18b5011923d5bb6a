// Held-out images: the same share of every class, the same for the same seed, never trained on.

import { describe, expect, test } from 'vitest';
import { classCounts, imageBytes, takeImages } from '../../src/data/dataset.ts';
import { splitValidation } from '../../src/data/validation.ts';
import { randomSplit } from './fixtures.ts';

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
const split = randomSplit(500);
const key = (image: Uint8Array) => Buffer.from(image).toString('latin1');

describe('splitValidation', () => {
  test('divides the images into two parts without loss', () => {
    const { train, validation } = splitValidation(split, 50, 1, names);
    expect([train.count, validation.count]).toEqual([450, 50]);
    const all = [train, validation].flatMap((part) =>
      Array.from({ length: part.count }, (_, i) => key(imageBytes(part, i))),
    );
    const original = Array.from({ length: 500 }, (_, i) => key(imageBytes(split, i)));
    expect(all.sort()).toEqual(original.sort());
  });

  test('keeps every image with its label', () => {
    const { validation } = splitValidation(split, 0.1, 1, names);
    const labels = new Map(
      Array.from({ length: 500 }, (_, i) => [key(imageBytes(split, i)), split.labels[i]]),
    );
    for (let i = 0; i < validation.count; i++) {
      expect(labels.get(key(imageBytes(validation, i)))).toBe(validation.labels[i]);
    }
  });

  test('takes the same share of each class: the 45k/5k of the paper takes 500 of each', () => {
    const { validation, train } = splitValidation(split, 50, 1, names);
    expect(classCounts(validation, 10)).toEqual(Array(10).fill(5));
    expect(classCounts(train, 10)).toEqual(Array(10).fill(45));
  });

  test('a number that does not divide evenly is still met exactly', () => {
    const { validation } = splitValidation(split, 53, 1, names);
    expect(validation.count).toBe(53);
    const counts = classCounts(validation, 10);
    expect(Math.max(...counts) - Math.min(...counts)).toBe(1);
  });

  test('depends on the seed and on nothing else', () => {
    expect(splitValidation(split, 50, 1, names)).toEqual(splitValidation(split, 50, 1, names));
    expect(splitValidation(split, 50, 1, names)).not.toEqual(splitValidation(split, 50, 2, names));
  });

  test.each([0, -1, 500, 501, 2.5, Number.NaN, 0.0001])('refuses %d of 500 images', (amount) => {
    expect(() => splitValidation(split, amount, 1, names)).toThrow(
      `a validation split of ${amount} is not possible with 500 training images: give a number of ` +
        'images below that, or a fraction between 0 and 1',
    );
  });

  test('refuses a class with a single image, by name', () => {
    const lonely = takeImages(split, [0, 1, 10, 20]); // labels 0 1 0 0
    expect(() => splitValidation(lonely, 1, 1, ['cat', 'dog'])).toThrow(
      "class 'dog' has a single training image, which cannot be both trained on and held out",
    );
  });

  test('leaves every class something to train on', () => {
    const pairs = takeImages(split, [0, 10, 1, 11]);
    expect(() => splitValidation(pairs, 3, 1, ['a', 'b'])).toThrow(
      'a validation split of 3 images would leave a class without training images',
    );
  });
});
