// The decoded images of a folder, in one file of the cache: read back in a fraction of a second. The
// file's name says which folder it is of, its header which listing; another listing means decoding
// again, and the new file takes the old one's place.
//
// Layout: 8 bytes magic, uint32 header length, JSON header padded to a multiple of 8 bytes, then for
// each split its labels (uint16, little-endian, padded to 8) and its images. The header has a checksum of
// all that follows it: images that are not as they were decoded are decoded again.

import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { endianness } from 'node:os';
import { basename, join, resolve } from 'node:path';
import * as z from 'zod/mini';
import { messageOf } from '../../util/errors.ts';
import { IMAGE_BYTES, type Split } from '../dataset.ts';
import { SPLIT_ROLES, type SplitRole } from '../folder-layout.ts';
import type { Prepared } from '../image-folder.ts';
import { cacheFolder, writeAtomically } from './cache.ts';

/** The number changes with the layout and with what decoding does to a picture. */
const MAGIC = 'T6IMAGE4';

const headerSchema = z.object({
  folder: z.string(),
  digest: z.string(),
  splits: z.array(z.object({ role: z.enum(SPLIT_ROLES), count: z.int().check(z.nonnegative()) })),
  skipped: z.array(z.object({ path: z.string(), reason: z.string() })),
  /** SHA-256 of everything behind the header. */
  checksum: z.string(),
});

function pathFor(folder: string): string {
  const whole = resolve(folder);
  const key = createHash('sha256').update(whole).digest('hex').slice(0, 12);
  return join(cacheFolder(), 'prepared', `${basename(whole) || 'root'}-${key}.images`);
}

const padded = (bytes: number) => Math.ceil(bytes / 8) * 8;
const splitBytes = (count: number) => padded(2 * count) + count * IMAGE_BYTES;

/** Which images a file of prepared ones must be of. */
export interface PreparedKey {
  /** The data set's folder. */
  readonly folder: string;
  /** Of its listing. */
  readonly digest: string;
  /** How many classes it has. */
  readonly classes: number;
}

/** The prepared images, or undefined when there are none of this listing (or they are damaged). */
export function readPrepared(key: PreparedKey): Promise<Prepared | undefined> {
  return readPreparedFile(pathFor(key.folder), key);
}

/** The same from a file that is named; also what is fuzzed. */
export async function readPreparedFile(
  path: string,
  { folder, digest, classes }: PreparedKey,
): Promise<Prepared | undefined> {
  if (endianness() !== 'LE') return undefined;
  try {
    await using file = await open(path, 'r');
    const start = Buffer.alloc(12);
    await file.read(start, 0, 12, 0);
    const headerBytes = start.readUInt32LE(8);
    const { size } = await file.stat();
    if (start.toString('latin1', 0, 8) !== MAGIC || headerBytes > size) return undefined;
    const json = Buffer.alloc(headerBytes);
    await file.read(json, 0, headerBytes, 12);
    const header = headerSchema.parse(JSON.parse(json.toString('utf8')));
    if (header.digest !== digest || header.folder !== resolve(folder)) return undefined;
    const counts = header.splits.map(({ count }) => count);
    let position = padded(12 + headerBytes);
    if (size !== position + counts.reduce((sum, count) => sum + splitBytes(count), 0)) {
      return undefined;
    }
    const splits: Partial<Record<SplitRole, Split>> = {};
    const hash = createHash('sha256');
    for (const { role, count } of header.splits) {
      const bytes = new Uint8Array(splitBytes(count));
      for (let at = 0; at < bytes.length; ) {
        const { bytesRead } = await file.read(bytes, at, bytes.length - at, position + at);
        if (bytesRead === 0) return undefined;
        at += bytesRead;
      }
      position += bytes.length;
      hash.update(bytes);
      const labels = new Uint16Array(bytes.buffer, 0, count);
      if (labels.some((label) => label >= classes)) return undefined;
      splits[role] = { count, labels, images: bytes.subarray(padded(2 * count)) };
    }
    if (hash.digest('hex') !== header.checksum) return undefined;
    return { splits, skipped: header.skipped };
  } catch {
    // Missing, unreadable or damaged: the images themselves are still there.
    return undefined;
  }
}

/** Keeps prepared images. @returns what is wrong when that was not possible; nothing is lost by it */
export async function writePrepared(
  folder: string,
  digest: string,
  prepared: Prepared,
): Promise<string | undefined> {
  if (endianness() !== 'LE') return 'prepared images are kept only on little-endian machines';
  const path = pathFor(folder);
  try {
    await writeAtomically(path, encodePrepared(folder, digest, prepared));
    return undefined;
  } catch (error) {
    return `the prepared images cannot be kept in ${path} (${messageOf(error)})`;
  }
}

/** The parts of the file, one after another. */
export function encodePrepared(folder: string, digest: string, prepared: Prepared): Uint8Array[] {
  const content: Uint8Array[] = [];
  const hash = createHash('sha256');
  const splits = SPLIT_ROLES.flatMap((role) => {
    const split = prepared.splits[role];
    return split === undefined ? [] : [{ role, split }];
  });
  for (const { split } of splits) {
    const labels = new Uint8Array(padded(2 * split.count));
    new Uint16Array(labels.buffer).set(split.labels);
    content.push(labels, split.images);
    hash.update(labels).update(split.images);
  }
  const header = Buffer.from(
    JSON.stringify({
      folder: resolve(folder),
      digest,
      splits: splits.map(({ role, split }) => ({ role, count: split.count })),
      skipped: prepared.skipped,
      checksum: hash.digest('hex'),
    }),
  );
  const start = Buffer.alloc(padded(12 + header.length));
  start.write(MAGIC, 'latin1');
  start.writeUInt32LE(header.length, 8);
  header.copy(start, 12);
  return [start, ...content];
}
