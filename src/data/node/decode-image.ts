// One image file to the 32 × 32 × 3 bytes that a network takes. Training and prediction both come
// through here, so that a picture means the same to both. Decoding is sharp's, an optional
// dependency: who trains on CIFAR or synthetic images does not need it.

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type Sharp from 'sharp';
import { UserError } from '../../util/errors.ts';
import { IMAGE_BYTES, IMAGE_SIZE } from '../dataset.ts';

/** File names that count as images: those of the formats that the decoder reads. */
export const IMAGE_FILES = /\.(png|jpe?g|jfif|webp|gif|avif|tiff?)$/i;

export type ImageDecoder = (input: string | Uint8Array) => Promise<Uint8Array>;

/** Larger than any photograph. */
const MOST_FILE_BYTES = 2 ** 28;
/** Pixels that any file may have, and so many more for each of its bytes: flat colours compress well. */
const ALLOWED_PIXELS = 2 ** 25;
const PIXELS_FOR_EACH_BYTE = 64;

/**
 * First bytes of the formats that hold pixels and nothing else. The decoder knows others by their content,
 * whatever their name: an SVG reads the files that it names, a PDF is a program.
 */
const PIXEL_FORMATS = [
  /^\x89PNG\r\n/,
  /^\xff\xd8\xff/, // JPEG
  /^RIFF....WEBP/s,
  /^GIF8[79]a/,
  /^(II\*\0|MM\0\*)/, // TIFF
  /^....ftyp(avif|avis|heic|heix|mif1|msf1)/s, // AVIF and its kin
];

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
    const bytes = typeof input === 'string' ? await readPicture(input) : input;
    const beginning = String.fromCharCode(...bytes.subarray(0, 16));
    if (!PIXEL_FORMATS.some((format) => format.test(beginning))) {
      throw new Error(bytes.length === 0 ? 'it is empty' : 'it is in no format of pictures');
    }
    const limitInputPixels = ALLOWED_PIXELS + PIXELS_FOR_EACH_BYTE * bytes.length;
    const { data, info } = await sharp(bytes, { failOn: 'error', limitInputPixels })
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

/** The bytes of a regular file: a pipe would be waited for, a device has no end. */
async function readPicture(path: string): Promise<Uint8Array> {
  await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  const found = await file.stat();
  if (!found.isFile()) throw new Error('it is no regular file');
  if (found.size > MOST_FILE_BYTES) throw new Error('it is larger than any picture');
  return await file.readFile();
}
