// What the chapter says and draws of the crop and the flip of an image.

import { expect, it } from 'vitest';
import { augmentImage } from '../../../../src/data/augment.ts';
import type { Augmentation } from '../../../../src/data/batches.ts';
import { imageBytes } from '../../../../src/data/dataset.ts';
import {
  describeMove,
  PADDED_SIZE,
  paddedImage,
} from '../../../../src/web/chapters/images/moves.ts';
import { randomSplit } from '../../../data/fixtures.ts';

it.each<[Augmentation, string]>([
  [{ row: 4, column: 4, flip: 0 }, 'left as it is'],
  [{ row: 3, column: 7, flip: 1 }, '3 to the right, 1 up, mirrored'],
  [{ row: 8, column: 0, flip: 0 }, '4 to the left, 4 down'],
  [{ row: 4, column: 4, flip: 1 }, 'mirrored'],
])('%o is %s', (augmentation, words) => {
  expect(describeMove(augmentation)).toBe(words);
});

it('what is cut out of the padded image is what training sees, and its frame is black', () => {
  const pixels = imageBytes(randomSplit(1), 0);
  const padded = paddedImage(pixels);
  const at = (x: number, y: number) => [
    ...padded.subarray(4 * (y * PADDED_SIZE + x)).subarray(0, 4),
  ];
  const moved = augmentImage(pixels, { row: 7, column: 2, flip: 0 });
  for (const [x, y] of [
    [0, 0],
    [31, 0],
    [5, 9],
    [31, 31],
  ] as const) {
    const seen = moved.subarray(3 * (32 * y + x)).subarray(0, 3);
    expect(at(x + 2, y + 7)).toEqual([...seen, 255]);
  }
  expect(at(3, 20)).toEqual([0, 0, 0, 255]);
  expect(at(20, 36)).toEqual([0, 0, 0, 255]);
});
