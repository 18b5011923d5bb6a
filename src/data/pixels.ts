// Pictures of any size, in memory, to the 32 × 32 × 3 bytes that a network takes. Without a canvas or
// a decoder, so that the same picture gives the same bytes in every host, trained on or asked about: each
// pixel of the small picture is the mean of the area that it covers in the large one (the two share their
// corners, so what is not square is squeezed, as CIFAR's own images were), and transparency is laid on white.

import { UserError } from '../util/errors.ts';
import { IMAGE_BYTES, IMAGE_CHANNELS, IMAGE_SIZE } from './dataset.ts';

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
  const line = new Float64Array(IMAGE_SIZE * IMAGE_CHANNELS);
  const sums = new Float64Array(IMAGE_SIZE * IMAGE_CHANNELS);
  let lineOf = -1;
  for (let y = 0; y < IMAGE_SIZE; y++) {
    sums.fill(0);
    for (const { at, share } of rows[y] as Share[]) {
      // Two small rows may cover the same large one.
      if (lineOf !== at) squeezeLine(image, channels, at, columns, line);
      lineOf = at;
      for (let i = 0; i < sums.length; i++) sums[i]! += share * line[i]!;
    }
    for (let i = 0; i < sums.length; i++) result[y * sums.length + i] = Math.round(sums[i]!);
  }
  return result;
}

/** One row of the picture, 32 pixels wide. */
function squeezeLine(
  { width, data }: RawImage,
  channels: number,
  row: number,
  columns: readonly (readonly Share[])[],
  line: Float64Array,
): void {
  for (let x = 0; x < IMAGE_SIZE; x++) {
    let [red, green, blue] = [0, 0, 0];
    const shares = columns[x] as readonly Share[];
    for (let i = 0; i < shares.length; i++) {
      const { at, share } = shares[i] as Share;
      const pixel = (row * width + at) * channels;
      const opacity = channels === 4 ? data[pixel + 3]! / 255 : 1;
      const white = (1 - opacity) * 255;
      red += share * (opacity * data[pixel]! + white);
      green += share * (opacity * data[pixel + 1]! + white);
      blue += share * (opacity * data[pixel + 2]! + white);
    }
    line.set([red, green, blue], x * IMAGE_CHANNELS);
  }
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

/**
 * First bytes of the formats that hold pixels and nothing else. Decoders know others by their content,
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
 * @param bytes of a file, 16 or more of them where it has so many
 * @returns why it is no picture; undefined where it may be one
 */
export function notPixels(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'it is empty';
  const beginning = String.fromCharCode(...bytes.subarray(0, 16));
  if (PIXEL_FORMATS.some((format) => format.test(beginning))) return undefined;
  return 'it is in no format of pictures';
}
