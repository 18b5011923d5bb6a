// Pictures of any size, in memory, to the 32 × 32 × 3 bytes that a network takes. Without a canvas or
// a decoder, so that it is the same in every host: each pixel of the small picture is the mean of the
// area that it covers in the large one (the two share their corners, whatever the proportions), and
// transparency is laid on white, as when training on image folders.

import { IMAGE_BYTES, IMAGE_CHANNELS, IMAGE_SIZE } from '../data/dataset.ts';
import { UserError } from '../util/errors.ts';

/** A picture in memory; a browser's `ImageData` is one. */
export interface RawImage {
  readonly width: number;
  readonly height: number;
  /** Rows from the top; three bytes a pixel (red, green, blue) or four (and opacity). */
  readonly data: Uint8Array | Uint8ClampedArray;
}

export function isRawImage(value: unknown): value is RawImage {
  if (typeof value !== 'object' || value === null || !('data' in value)) return false;
  return value.data instanceof Uint8Array || value.data instanceof Uint8ClampedArray;
}

/**
 * The picture as the network takes it.
 * @returns 32 × 32 × 3 bytes, rows from the top, the channels of a pixel together
 * @throws UserError where the bytes do not fill width × height pixels of 3 or 4 bytes
 */
export function toNetworkInput(image: RawImage): Uint8Array {
  const { width, height, data } = image;
  const channels = data.length / (width * height);
  if (!(width >= 1 && height >= 1) || (channels !== 3 && channels !== 4)) {
    throw new UserError(
      `An image of ${width} × ${height} pixels has three or four bytes for each, not ${data.length} in all.`,
    );
  }
  if (width === IMAGE_SIZE && height === IMAGE_SIZE && channels === 3) return Uint8Array.from(data);
  const columns = coverage(width);
  const rows = coverage(height);
  const result = new Uint8Array(IMAGE_BYTES);
  for (let y = 0; y < IMAGE_SIZE; y++) {
    for (let x = 0; x < IMAGE_SIZE; x++) {
      const sum = [0, 0, 0];
      for (const { at: row, share: down } of rows[y]!) {
        for (const { at: column, share: across } of columns[x]!) {
          const pixel = (row * width + column) * channels;
          const opacity = channels === 4 ? data[pixel + 3]! / 255 : 1;
          for (let c = 0; c < IMAGE_CHANNELS; c++) {
            const value = opacity * data[pixel + c]! + (1 - opacity) * 255;
            sum[c]! += down * across * value;
          }
        }
      }
      const to = (y * IMAGE_SIZE + x) * IMAGE_CHANNELS;
      for (let c = 0; c < IMAGE_CHANNELS; c++) result[to + c] = Math.round(sum[c]!);
    }
  }
  return result;
}

interface Share {
  readonly at: number;
  /** Part of the small pixel that this large one covers; all parts of one make 1. */
  readonly share: number;
}

/** Which of `size` large pixels each of the 32 small ones covers, along one side. */
function coverage(size: number): Share[][] {
  const scale = size / IMAGE_SIZE;
  return Array.from({ length: IMAGE_SIZE }, (_, small) => {
    const [from, to] = [small * scale, (small + 1) * scale];
    const shares: Share[] = [];
    for (let at = Math.floor(from); at < Math.min(size, Math.ceil(to)); at++) {
      const covered = Math.min(to, at + 1) - Math.max(from, at);
      if (covered > 0) shares.push({ at, share: covered / scale });
    }
    return shares;
  });
}
