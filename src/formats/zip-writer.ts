// Writes ZIP archives: entries stored as they are, which PyTorch can map into memory, or deflated where
// that makes them smaller. All have the same date, so the same entries give the same bytes.

import { UserError } from '../util/errors.ts';
import { crc32 } from './checksum.ts';
import { deflateRaw } from './deflate.ts';
import {
  CENTRAL_BYTES,
  CENTRAL_HEADER,
  DEFLATED,
  END_BYTES,
  END_OF_DIRECTORY,
  FULL_16,
  FULL_32,
  LOCAL_BYTES,
  LOCAL_HEADER,
  STORED,
} from './zip.ts';

/** Content begins at multiples of this, as PyTorch's own writer places it (it can then map files). */
const ALIGNMENT = 64;
/** Id of the extra field that PyTorch pads local headers with ("FB"). */
const PADDING_EXTRA = 0x4246;
/** Flag of an entry whose name is UTF-8. */
const UTF8_NAME = 0x0800;
/** Version of the format that knows deflate (2.0). */
const DEFLATE_VERSION = 20;

/** 1 January 1980, the first date there is: some programs refuse to unpack a date of zero. */
const DATE = 0x0021;

interface Entry {
  readonly name: string;
  readonly method: number;
  /** Bytes before compression. */
  readonly bytes: number;
  /** Of the bytes before compression. */
  readonly crc: number;
  /** What is written. */
  readonly content: Uint8Array;
}

/**
 * A ZIP archive of stored entries in the given order.
 * @throws UserError for what only ZIP64 could hold, which is not written: 4 GiB or 65,535 entries
 */
export function writeZip(entries: ReadonlyMap<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  return assemble([...entries].map(([name, content]) => stored(name, content)));
}

/**
 * A ZIP archive in the given order whose entries are deflated where that makes them smaller.
 * @throws UserError like `writeZip`
 */
export async function writeDeflatedZip(
  entries: ReadonlyMap<string, Uint8Array>,
): Promise<Uint8Array<ArrayBuffer>> {
  const packed: Entry[] = [];
  for (const [name, content] of entries) {
    const entry = stored(name, content);
    const deflated = await deflateRaw(content);
    const isSmaller = deflated.length < content.length;
    packed.push(isSmaller ? { ...entry, method: DEFLATED, content: deflated } : entry);
  }
  return assemble(packed);
}

function stored(name: string, content: Uint8Array): Entry {
  return { name, method: STORED, bytes: content.length, crc: crc32(content), content };
}

function assemble(entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  let at = 0;
  const placed = entries.map((entry) => {
    const nameBytes = encoder.encode(entry.name);
    const headerAt = at;
    const unpadded = at + LOCAL_BYTES + nameBytes.length + 4;
    const padding = (ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT;
    const contentAt = unpadded + padding;
    at = contentAt + entry.content.length;
    return { ...entry, nameBytes, headerAt, contentAt };
  });
  const directoryAt = at;
  const directoryBytes = placed.reduce((sum, e) => sum + CENTRAL_BYTES + e.nameBytes.length, 0);
  const total = directoryAt + directoryBytes + END_BYTES;
  if (total > FULL_32 || placed.length >= FULL_16) {
    throw new UserError(
      'a zip archive of 4 GiB or of 65,535 entries is not written: leave some files out',
    );
  }
  const file = new Uint8Array(total);
  const view = new DataView(file.buffer);
  /** The fields that a local and a central header share, from "version needed" to "name length". */
  const common = (start: number, e: (typeof placed)[number]) => {
    if (e.method === DEFLATED) view.setUint16(start, DEFLATE_VERSION, true);
    view.setUint16(start + 2, UTF8_NAME, true);
    view.setUint16(start + 4, e.method, true);
    view.setUint16(start + 8, DATE, true);
    view.setUint32(start + 10, e.crc, true);
    view.setUint32(start + 14, e.content.length, true);
    view.setUint32(start + 18, e.bytes, true);
    view.setUint16(start + 22, e.nameBytes.length, true);
  };
  for (const e of placed) {
    const extraAt = e.headerAt + LOCAL_BYTES + e.nameBytes.length;
    view.setUint32(e.headerAt, LOCAL_HEADER, true);
    common(e.headerAt + 4, e);
    view.setUint16(e.headerAt + 28, e.contentAt - extraAt, true);
    file.set(e.nameBytes, e.headerAt + LOCAL_BYTES);
    view.setUint16(extraAt, PADDING_EXTRA, true);
    view.setUint16(extraAt + 2, e.contentAt - extraAt - 4, true);
    file.set(e.content, e.contentAt);
  }
  at = directoryAt;
  for (const e of placed) {
    view.setUint32(at, CENTRAL_HEADER, true);
    common(at + 6, e);
    view.setUint32(at + 42, e.headerAt, true);
    file.set(e.nameBytes, at + CENTRAL_BYTES);
    at += CENTRAL_BYTES + e.nameBytes.length;
  }
  view.setUint32(at, END_OF_DIRECTORY, true);
  view.setUint16(at + 8, placed.length, true);
  view.setUint16(at + 10, placed.length, true);
  view.setUint32(at + 12, directoryBytes, true);
  view.setUint32(at + 16, directoryAt, true);
  return file;
}
