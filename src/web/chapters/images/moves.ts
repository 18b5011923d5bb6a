// How training moves an image: in words, and the padded image that it is cut out of.

import { type Augmentation, CROP_PADDING } from '../../../data/batches.ts';
import { IMAGE_SIZE } from '../../../data/dataset.ts';

/** Pixels across with the black ones on both sides. */
export const PADDED_SIZE = IMAGE_SIZE + 2 * CROP_PADDING;

/** Where the window stands, in one phrase: `3 to the right, 1 up, mirrored`. */
export function describeMove({ row, column, flip }: Augmentation): string {
  const right = column - CROP_PADDING;
  const down = row - CROP_PADDING;
  const parts = [
    ...(right === 0 ? [] : [`${Math.abs(right)} to the ${right > 0 ? 'right' : 'left'}`]),
    ...(down === 0 ? [] : [`${Math.abs(down)} ${down > 0 ? 'down' : 'up'}`]),
    ...(flip === 1 ? ['mirrored'] : []),
  ];
  return parts.length === 0 ? 'left as it is' : parts.join(', ');
}

/** The image with its black frame, as a canvas takes it: opaque, row by row. */
export function paddedImage(pixels: Uint8Array): Uint8ClampedArray<ArrayBuffer> {
  const padded = new Uint8ClampedArray(4 * PADDED_SIZE * PADDED_SIZE);
  for (let to = 3; to < padded.length; to += 4) padded[to] = 255;
  for (let y = 0; y < IMAGE_SIZE; y++) {
    for (let x = 0; x < IMAGE_SIZE; x++) {
      const from = 3 * (y * IMAGE_SIZE + x);
      const to = 4 * ((y + CROP_PADDING) * PADDED_SIZE + x + CROP_PADDING);
      padded.set(pixels.subarray(from, from + 3), to);
    }
  }
  return padded;
}
