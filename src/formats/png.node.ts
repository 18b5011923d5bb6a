// A PNG writer for contact sheets and mistake sheets: 8-bit RGB, no interlace, one filter. Sharp
// could do it, but it is an optional dependency and this is all that is needed (PNG specification,
// W3C 2003, sections 5 and 11).

import zlib from 'node:zlib';

/** A picture in memory. */
export interface RgbRaster {
  readonly width: number;
  readonly height: number;
  /** height × width × 3 bytes, rows from the top. */
  readonly pixels: Uint8Array;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(data, 8);
  bytes.writeUInt32BE(zlib.crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}

/** The bytes of a PNG file. */
export function encodePng({ width, height, pixels }: RgbRaster): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB, deflate, adaptive filters, no interlace
  const row = 3 * width;
  const filtered = Buffer.alloc(height * (row + 1));
  for (let y = 0; y < height; y++) {
    filtered[y * (row + 1)] = 1; // Sub: each byte minus the one a pixel to the left
    for (let i = 0; i < row; i++) {
      const left = i < 3 ? 0 : (pixels[y * row + i - 3] as number);
      filtered[y * (row + 1) + 1 + i] = (pixels[y * row + i] as number) - left;
    }
  }
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', zlib.deflateSync(filtered)),
    chunk('IEND', new Uint8Array(0)),
  ]);
}
