// One image file to the 32 × 32 × 3 bytes that a network takes. Training and prediction both come
// through here, so that a picture means the same to both. Decoding is sharp's, an optional
// dependency: who trains on CIFAR or synthetic images does not need it.

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type Sharp from 'sharp';
import { UserError } from '../../util/errors.ts';
import { notPixels, toNetworkInput } from '../pixels.ts';

export type ImageDecoder = (input: string | Uint8Array) => Promise<Uint8Array>;

/** Larger than any photograph. */
const MOST_FILE_BYTES = 2 ** 28;
/** Pixels that any file may have, and so many more for each of its bytes: flat colours compress well. */
const ALLOWED_PIXELS = 2 ** 25;
const PIXELS_FOR_EACH_BYTE = 64;

/** Pixels that are made smaller as one; so many take 200 MB. */
const MOST_PIXELS = 2 ** 26;

/**
 * Loads the decoder. What it does to a picture: upright by its EXIF orientation, transparency on
 * white, sRGB; how it comes to 32 × 32 pixels is pixels.ts's, the same as in a browser.
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
    const bytes = typeof input === 'string' ? await readPicture(input) : input;
    const problem = notPixels(bytes);
    if (problem) throw new Error(problem);
    const limitInputPixels = ALLOWED_PIXELS + PIXELS_FOR_EACH_BYTE * bytes.length;
    const opened = sharp(bytes, { failOn: 'error', limitInputPixels }).autoOrient();
    const { width, height } = await opened.metadata();
    // What would not fit into memory is halved, or more, while it is read; that is sharp's way of doing it.
    const share = Math.sqrt(MOST_PIXELS / (width * height));
    const side = Math.floor(share * Math.max(width, height));
    if (share < 1) opened.resize(side, side, { fit: 'inside' });
    const { data, info } = await opened
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) {
      throw new Error(`${info.channels} channels instead of red, green and blue`);
    }
    return toNetworkInput({ width: info.width, height: info.height, data });
  };
}

/** The bytes of a regular file: a pipe would be waited for, a device has no end. */
async function readPicture(path: string): Promise<Uint8Array> {
  await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  const found = await file.stat();
  if (!found.isFile()) throw new Error('it is no regular file');
  if (found.size > MOST_FILE_BYTES) throw new Error('it is larger than any picture');
  return await file.readFile();
}
