// Reads ZIP archives (PKWARE's APPNOTE 6.3): entries are found through the central directory, ZIP64
// records included since PyTorch always writes them. Stored entries are views of the file, so opening
// an archive allocates nothing that grows with what it claims to hold. A deflated entry never becomes
// larger than its directory says, and the directory may not say more than deflate can hold.

import { messageOf, UserError } from '../util/errors.ts';
import { shortened } from '../util/foreign-text.ts';
import { crc32 } from './checksum.ts';
import { inflateRaw } from './deflate.ts';

export const LOCAL_HEADER = 0x04034b50;
export const CENTRAL_HEADER = 0x02014b50;
export const END_OF_DIRECTORY = 0x06054b50;
const ZIP64_LOCATOR = 0x07064b50;
const ZIP64_END = 0x06064b50;
export const LOCAL_BYTES = 30;
export const CENTRAL_BYTES = 46;
export const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const ZIP64_END_BYTES = 56;
const ZIP64_EXTRA = 0x0001;
export const FULL_16 = 0xffff;
export const FULL_32 = 0xffffffff;

/** How an entry's bytes are kept; archives with others are refused. */
export const STORED = 0;
export const DEFLATED = 8;
/** Flag of an entry that needs a password. */
const ENCRYPTED = 1;

interface Entry {
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly storedBytes: number;
  readonly bytes: number;
  readonly headerAt: number;
  /** Its content agrees with its checksum. */
  isChecked: boolean;
}

function damaged(reason: string): UserError {
  return new UserError(
    `not a readable zip archive: ${reason}; the file may be truncated or damaged: copy or download it again`,
  );
}

/** True if the bytes begin like a ZIP archive. */
export function looksLikeZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

/** A ZIP archive in memory. */
export class ZipArchive {
  readonly #file: Uint8Array;
  readonly #view: DataView;
  readonly #entries = new Map<string, Entry>();

  /** @throws UserError if the directory is damaged */
  constructor(file: Uint8Array) {
    this.#file = file;
    this.#view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    this.#readDirectory();
  }

  /** Names of the entries, in directory order. */
  names(): string[] {
    return [...this.#entries.keys()];
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** Whether an entry is kept as it is, so that `read` can give a view of it. */
  isStored(name: string): boolean {
    return this.#find(name).method === STORED;
  }

  /** Bytes of an entry's content, as the directory says. */
  size(name: string): number {
    return this.#find(name).bytes;
  }

  /**
   * The content of a stored entry, as a view of the archive.
   * @throws UserError if there is no such entry, it is compressed, or it is damaged
   */
  read(name: string): Uint8Array {
    const entry = this.#find(name);
    if (entry.method !== STORED) {
      throw new UserError(`the archive's entry '${shortened(name)}' is compressed`);
    }
    if (entry.storedBytes !== entry.bytes) throw damaged(`'${shortened(name)}' has two sizes`);
    return this.#checked(name, entry, this.#content(name, entry));
  }

  /**
   * The content of an entry, stored (a view of the archive) or deflated.
   * @throws UserError if there is no such entry, it is compressed in another way, or it is damaged
   */
  async inflate(name: string): Promise<Uint8Array> {
    const entry = this.#find(name);
    if (entry.method === STORED) return this.read(name);
    if (entry.method !== DEFLATED) {
      throw new UserError(
        `the archive's entry '${shortened(name)}' is compressed with method ${entry.method}: make the archive again with deflate, the usual one`,
      );
    }
    const content = await inflateRaw(this.#content(name, entry), entry.bytes).catch((error) => {
      throw damaged(`the entry '${shortened(name)}' cannot be inflated (${messageOf(error)})`);
    });
    return this.#checked(name, entry, content);
  }

  #find(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw damaged(`it has no entry '${shortened(name)}'`);
    return entry;
  }

  /** The bytes that an entry has in the file. */
  #content(name: string, entry: Entry): Uint8Array {
    if (entry.flags & ENCRYPTED) {
      throw new UserError(
        `the archive's entry '${shortened(name)}' is encrypted: make the archive without a password`,
      );
    }
    this.#need(entry.headerAt, LOCAL_BYTES, 'an entry');
    if (this.#view.getUint32(entry.headerAt, true) !== LOCAL_HEADER) {
      throw damaged(`the entry '${shortened(name)}' is not where the directory says`);
    }
    const nameBytes = this.#view.getUint16(entry.headerAt + 26, true);
    const extraBytes = this.#view.getUint16(entry.headerAt + 28, true);
    const start = entry.headerAt + LOCAL_BYTES + nameBytes + extraBytes;
    this.#need(start, entry.storedBytes, 'an entry');
    return this.#file.subarray(start, start + entry.storedBytes);
  }

  #checked(name: string, entry: Entry, content: Uint8Array): Uint8Array {
    // Once: many tensors of a file may lie in one entry.
    if (entry.isChecked) return content;
    if (crc32(content) !== entry.crc) {
      // PyTorch can be told not to compute checksums; it then writes 0 (set_crc32_options).
      throw entry.crc === 0
        ? new UserError(
            `the archive's entry '${shortened(name)}' has no checksum, so that damage could not be noticed: save the file again with checksums`,
          )
        : damaged(`the entry '${shortened(name)}' does not match its checksum`);
    }
    entry.isChecked = true;
    return content;
  }

  #need(at: number, bytes: number, what: string): void {
    if (!(at >= 0 && bytes >= 0 && at + bytes <= this.#file.length)) {
      throw damaged(`${what} lies outside the file of ${this.#file.length} bytes`);
    }
  }

  #uint64(at: number): number {
    return Number(this.#view.getBigUint64(at, true));
  }

  /** The end record is last, followed only by a comment of at most 65,535 bytes. */
  #findEnd(): number {
    const first = Math.max(0, this.#file.length - END_BYTES - FULL_16);
    for (let at = this.#file.length - END_BYTES; at >= first; at--) {
      if (this.#view.getUint32(at, true) === END_OF_DIRECTORY) return at;
    }
    throw damaged('it has no directory');
  }

  #readDirectory(): void {
    const view = this.#view;
    const end = this.#findEnd();
    let count = view.getUint16(end + 10, true);
    let directoryBytes = view.getUint32(end + 12, true);
    let at = view.getUint32(end + 16, true);
    const locator = end - LOCATOR_BYTES;
    if (count === FULL_16 || directoryBytes === FULL_32 || at === FULL_32) {
      this.#need(locator, LOCATOR_BYTES, 'the ZIP64 locator');
      if (view.getUint32(locator, true) !== ZIP64_LOCATOR) throw damaged('it has no ZIP64 record');
      const record = this.#uint64(locator + 8);
      this.#need(record, ZIP64_END_BYTES, 'the ZIP64 record');
      if (view.getUint32(record, true) !== ZIP64_END) throw damaged('it has no ZIP64 record');
      count = this.#uint64(record + 32);
      directoryBytes = this.#uint64(record + 40);
      at = this.#uint64(record + 48);
    }
    this.#need(at, directoryBytes, 'the directory');
    const directoryEnd = at + directoryBytes;
    let stored = 0;
    for (let i = 0; i < count; i++) {
      if (at + CENTRAL_BYTES > directoryEnd || view.getUint32(at, true) !== CENTRAL_HEADER) {
        throw damaged(`its directory of ${count} entries breaks off`);
      }
      const nameBytes = view.getUint16(at + 28, true);
      const extraBytes = view.getUint16(at + 30, true);
      const next = at + CENTRAL_BYTES + nameBytes + extraBytes + view.getUint16(at + 32, true);
      if (next > directoryEnd) throw damaged(`its directory of ${count} entries breaks off`);
      const nameAt = at + CENTRAL_BYTES;
      const name = new TextDecoder().decode(this.#file.subarray(nameAt, nameAt + nameBytes));
      if (this.#entries.has(name)) throw damaged(`the entry '${shortened(name)}' occurs twice`);
      const entry = this.#entry(at, nameAt + nameBytes, extraBytes);
      // Entries that lie in one another make much of few bytes.
      stored += entry.storedBytes;
      if (!(stored <= this.#file.length)) throw damaged('its entries overlap');
      this.#entries.set(name, entry);
      at = next;
    }
  }

  #entry(at: number, extraAt: number, extraBytes: number): Entry {
    const view = this.#view;
    const fields = {
      bytes: view.getUint32(at + 24, true),
      storedBytes: view.getUint32(at + 20, true),
      headerAt: view.getUint32(at + 42, true),
    };
    // ZIP64: each full 32-bit field has its value in the extra field, in this order.
    let value = 0;
    let valuesEnd = 0;
    for (let extra = extraAt; extra + 4 <= extraAt + extraBytes; ) {
      const length = view.getUint16(extra + 2, true);
      const end = extra + 4 + length;
      if (end > extraAt + extraBytes) break;
      if (view.getUint16(extra, true) === ZIP64_EXTRA) [value, valuesEnd] = [extra + 4, end];
      extra = end;
    }
    for (const field of ['bytes', 'storedBytes', 'headerAt'] as const) {
      if (fields[field] !== FULL_32 || value + 8 > valuesEnd) continue;
      fields[field] = this.#uint64(value);
      value += 8;
    }
    return {
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      isChecked: false,
      ...fields,
    };
  }
}
