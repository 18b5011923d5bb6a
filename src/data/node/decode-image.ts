// One image file to the 32 × 32 × 3 bytes that a network takes. Training and prediction both come
// through here, so that a picture means the same to both. Decoding is sharp's, an optional
// dependency: who trains on CIFAR or synthetic images does not need it.

import type Sharp from 'sharp';
import { UserError } from '../../util/errors.ts';
import { IMAGE_BYTES, IMAGE_SIZE } from '../dataset.ts';

/** File names that count as images. */
export const IMAGE_FILES = /\.(png|jpe?g|webp)$/i;

export type ImageDecoder = (input: string | Uint8Array) => Promise<Uint8Array>;

/**
 * Loads the decoder. What it does to a picture: upright by its EXIF orientation, transparency on
 * white, sRGB, and squeezed to 32 × 32 whatever its proportions, as CIFAR's own images were.
 * @returns a function that rejects with the decoder's reason for an unreadable image
 * @throws UserError when sharp is not installed
 */
export async function imageDecoder(): Promise<ImageDecoder> {
  let sharp: typeof Sharp;
  try {
    sharp = (await import('sharp')).default;
  } catch (error) {
    throw new UserError('reading image files needs the optional package sharp: npm install sharp', {
      cause: error,
    });
  }
  // Images this small gain nothing from threads inside one image, nor from a cache of operations.
  sharp.concurrency(1);
  sharp.cache(false);
  return async (input) => {
    const { data, info } = await sharp(input, { failOn: 'error' })
      .autoOrient()
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .resize(IMAGE_SIZE, IMAGE_SIZE, { fit: 'fill' })
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3 || data.length !== IMAGE_BYTES) {
      throw new Error(`${info.channels} channels instead of red, green and blue`);
    }
    return data;
  };
}
