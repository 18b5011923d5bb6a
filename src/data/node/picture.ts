// A picture that a person named, as `predict` and the library take it: what it is where it is none that can
// be read, and what to do. (Image folders skip unreadable files instead, see image-folder.ts.)

import { open, stat } from 'node:fs/promises';
import { messageOf, UserError } from '../../util/errors.ts';
import { fileError } from '../../util/system-errors.ts';
import type { ImageDecoder } from './decode-image.ts';

/**
 * Decodes a picture file.
 * @returns 32 × 32 × 3 bytes
 * @throws UserError naming the file, what is wrong with it and what to do
 */
export async function decodePicture(decode: ImageDecoder, path: string): Promise<Uint8Array> {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(path)) {
    throw new UserError(
      `${path} is an address that cannot be read from here: download it and name the file.`,
    );
  }
  const beginning = await readBeginning(path);
  try {
    return await decode(path);
  } catch (error) {
    throw pictureError(path, beginning, error);
  }
}

/** Decodes a picture in memory; `name` says what errors call it. */
export async function decodePictureBytes(
  decode: ImageDecoder,
  bytes: Uint8Array,
  name: string,
): Promise<Uint8Array> {
  try {
    return await decode(bytes);
  } catch (error) {
    throw pictureError(name, bytes, error);
  }
}

const CONVERT =
  'convert it to PNG, JPEG or WebP, for example by opening it and saving it as such, or with ImageMagick (magick FILE FILE.png)';

function pictureError(name: string, bytes: Uint8Array, cause: unknown): UserError {
  if (bytes.length === 0) return new UserError(`${name} is an empty file.`, { cause });
  const kind = kindOf(bytes);
  if (kind !== undefined) {
    return new UserError(`${name} cannot be read as an image (${kind}): ${CONVERT}.`, { cause });
  }
  const reason = messageOf(cause).split('\n')[0];
  return new UserError(
    `${name} cannot be read as an image (${reason}): it is damaged or no picture; give a PNG, JPEG, WebP, GIF, AVIF or TIFF file.`,
    { cause },
  );
}

/** What a file is by its first bytes, where the decoder's own reason helps nobody. */
function kindOf(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 64));
  if (/^....ftyp(hei[cxms]|hev[cx]|mif1|msf1)/s.test(text))
    return "it is HEIC, a phone camera's format";
  if (/^....ftypavi[fs]/s.test(text)) return 'it is AVIF';
  if (/^....ftyp/s.test(text)) return 'it is a video';
  if (/^(II\*\0|MM\0\*)/.test(text)) return 'it is TIFF or a raw photograph';
  if (text.startsWith('%PDF')) return 'it is a PDF';
  if (text.startsWith('BM')) return 'it is BMP';
  if (/^P[1-7]\s/.test(text)) return 'it is PPM or one of its kin';
  const beginning = Array.from(bytes.subarray(0, 4)).join();
  if (beginning === '0,0,1,0') return 'it is an icon (ICO)';
  if (text.includes('JXL ') || text.startsWith('\xff\x0a')) return 'it is JPEG XL';
  if (text.slice(4, 6) === 'jP' || text.startsWith('\xff\x4f')) return 'it is JPEG 2000';
  if (text.startsWith('8BPS')) return 'it is a Photoshop file';
  if (/^\s*<(!doctype html|html)/i.test(text)) return 'it is a web page';
  return undefined;
}

async function readBeginning(path: string): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new UserError(`${path} is a folder: name the pictures in it.`);
    if (!found.isFile()) throw new UserError(`${path} is no regular file: name a picture file.`);
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(64), 0, 64, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(error, { path, doing: 'read' });
  }
}
