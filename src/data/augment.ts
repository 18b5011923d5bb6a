// What the device's first operation does to the bytes of an image, on the CPU and visible: contact
// sheets show exactly what the network sees, and the tests say what the operation means.

import type { Augmentation } from './batches.ts';
import { CROP_PADDING } from './batches.ts';
import { IMAGE_CHANNELS, IMAGE_SIZE } from './dataset.ts';

/**
 * Crops 32 × 32 out of the image padded by 4 black pixels, then mirrors it left to right.
 * @param image 32 × 32 × 3 bytes
 * @returns a new image of the same shape
 */
export function augmentImage(image: Uint8Array, augmentation: Augmentation): Uint8Array {
  const moved = new Uint8Array(image.length);
  for (let y = 0; y < IMAGE_SIZE; y++) {
    const fromY = y + augmentation.row - CROP_PADDING;
    if (fromY < 0 || fromY >= IMAGE_SIZE) continue;
    for (let x = 0; x < IMAGE_SIZE; x++) {
      const cropped = augmentation.flip === 1 ? IMAGE_SIZE - 1 - x : x;
      const fromX = cropped + augmentation.column - CROP_PADDING;
      if (fromX < 0 || fromX >= IMAGE_SIZE) continue;
      const from = (fromY * IMAGE_SIZE + fromX) * IMAGE_CHANNELS;
      moved.set(image.subarray(from, from + IMAGE_CHANNELS), (y * IMAGE_SIZE + x) * IMAGE_CHANNELS);
    }
  }
  return moved;
}
