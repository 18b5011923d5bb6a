// Reads files out of a .tar or .tar.gz, in Node.js and in browsers, with the host's own gunzip. The
// first bytes decide what it is, not the name: what a download leaves behind is often a web page, or an
// archive of another kind. POSIX (ustar, pax) and GNU archives; links and devices are passed over.

import { joined, latin1 } from '../util/bytes.ts';
import { messageOf, UserError } from '../util/errors.ts';

export type ArchiveKind = 'gzip' | 'tar' | 'html' | 'xz' | 'zip' | 'empty' | 'unknown';

/** Bytes at the beginning that `archiveKind` looks at. */
export const HEAD_BYTES = 512;
const BLOCK = 512;
/** What an archive may unpack to: so much, and for each of its bytes so many. */
const ALLOWED_BYTES = 1 << 26;
const MOST_RATIO = 64;
/** Both of CIFAR's data sets have 184 MB. */
const MOST_KEPT_BYTES = 1 << 28;
/** Of headers that are read into memory: long names and pax records. */
const MOST_HEADER_BYTES = 1 << 20;

/** What the first bytes say. */
export function archiveKind(head: Uint8Array): ArchiveKind {
  if (head.length === 0) return 'empty';
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (latin1(head.subarray(257, 262)) === 'ustar') return 'tar';
  if (latin1(head.subarray(0, 6)) === '\xfd7zXZ\0') return 'xz';
  if (latin1(head.subarray(0, 4)) === 'PK\x03\x04') return 'zip';
  const text = latin1(head).trimStart().toLowerCase();
  return /^(\xef\xbb\xbf)?<(!doctype html|html|head|!--|\?xml)/.test(text) ? 'html' : 'unknown';
}

export interface TarOptions {
  /** How errors call the archive. */
  readonly path: string;
  /** Whether to keep a file; also sees the paths of those that are not kept. */
  readonly wanted: (name: string) => boolean;
  /** Most bytes that the kept files may have together, so that a hostile archive cannot fill the memory. */
  readonly maxBytes?: number;
  /** Told how many bytes of the archive have been read. */
  readonly onProgress?: (bytes: number) => void;
}

/**
 * The wanted files of an archive, by their path in it.
 * @param kind of the archive, see `archiveKind`
 * @throws UserError that names the archive and says what it is instead of a whole one
 */
export async function readTar(
  archive: ReadableStream<Uint8Array<ArrayBuffer>>,
  kind: ArchiveKind,
  options: TarOptions,
): Promise<Map<string, Uint8Array>> {
  const { path, onProgress } = options;
  if (kind !== 'gzip' && kind !== 'tar') throw new UserError(notAnArchive(path, kind));
  let seen = 0;
  const counted = archive.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        seen += chunk.length;
        onProgress?.(seen);
        controller.enqueue(chunk);
      },
    }),
  );
  const bytes = kind === 'gzip' ? counted.pipeThrough(new DecompressionStream('gzip')) : counted;
  const source = new ByteSource(bytes.getReader(), (unpacked) => {
    // Also what is passed over takes its time.
    if (unpacked <= ALLOWED_BYTES + MOST_RATIO * seen) return;
    throw new UserError(`${path} unpacks to far more than its size, as no data set does`);
  });
  try {
    return await readEntries(source, options);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${path} is damaged or incomplete (${messageOf(error) || 'its compressed data end early'}): download it again`,
      { cause: error },
    );
  } finally {
    await source.end();
  }
}

async function readEntries(
  source: ByteSource,
  { path, wanted, maxBytes = MOST_KEPT_BYTES }: TarOptions,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  let kept = 0;
  let longName: string | undefined;
  for (;;) {
    const header = await source.take(BLOCK);
    if (header === undefined || header.every((byte) => byte === 0)) break;
    const { name, size, type } = parseHeader(header);
    const padded = Math.ceil(size / BLOCK) * BLOCK;
    if (type === 'L' || type === 'x') {
      if (size > MOST_HEADER_BYTES) throw new Error('a header of it is too long');
      const text = new TextDecoder().decode((await source.need(padded)).subarray(0, size));
      longName = type === 'L' ? text.replace(/\0.*$/s, '') : (paxPath(text) ?? longName);
      continue;
    }
    const whole = (longName ?? name).replace(/^(\.\/)+/, '');
    longName = undefined;
    const isFile = type === '0' || type === '\0' || type === '7';
    if (!isFile || !wanted(whole)) {
      await source.skip(padded);
      continue;
    }
    kept += size;
    if (kept > maxBytes) {
      throw new UserError(
        `${path} is not a data set's archive: with ${whole}, its files have ${kept} bytes`,
      );
    }
    files.set(whole, (await source.need(padded)).slice(0, size));
  }
  return files;
}

function parseHeader(header: Uint8Array): { name: string; size: number; type: string } {
  const text = (from: number, to: number) =>
    latin1(header.subarray(from, to)).replace(/\0.*$/s, '');
  let sum = 0;
  header.forEach((byte, i) => {
    sum += i >= 148 && i < 156 ? 32 : byte;
  });
  if (Number.parseInt(text(148, 156), 8) !== sum) throw new Error('a header of it is wrong');
  const size = Number.parseInt(text(124, 136).trim() || '0', 8);
  if (!Number.isSafeInteger(size) || size < 0) throw new Error('a size in it is wrong');
  const decoded = (from: number, to: number) => {
    const field = header.subarray(from, to);
    const end = field.indexOf(0);
    return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
  };
  // Only POSIX's format has a prefix there; GNU's has times.
  const prefix = latin1(header.subarray(257, 263)) === 'ustar\0' ? decoded(345, 500) : '';
  const name = decoded(0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size,
    type: String.fromCharCode(header[156] as number),
  };
}

/** The path in pax records ("28 path=some/long/name\n"). */
function paxPath(records: string): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(records)?.[1];
}

/** A stream as pieces of the length that is asked for. */
class ByteSource {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly check: (bytes: number) => void;
  private bytes = 0;
  private rest: Uint8Array = new Uint8Array();

  /** @param check is told how many bytes have come, and may throw */
  constructor(reader: ReadableStreamDefaultReader<Uint8Array>, check: (bytes: number) => void) {
    this.reader = reader;
    this.check = check;
  }

  /** Exactly so many bytes, or undefined at the end. */
  async take(length: number): Promise<Uint8Array | undefined> {
    if (this.rest.length === 0 && !(await this.fill())) return undefined;
    return await this.need(length);
  }

  /** @throws where the stream ends before; what is allocated grows with what has come */
  async need(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let left = length;
    while (left > 0) {
      if (this.rest.length === 0 && !(await this.fill())) throw new Error('it ends early');
      const part = this.rest.subarray(0, left);
      parts.push(part);
      left -= part.length;
      this.rest = this.rest.subarray(part.length);
    }
    return parts.length === 1 ? (parts[0] as Uint8Array) : joined(parts);
  }

  async skip(length: number): Promise<void> {
    let left = length;
    while (left > 0) {
      if (this.rest.length === 0 && !(await this.fill())) throw new Error('it ends early');
      const part = Math.min(left, this.rest.length);
      this.rest = this.rest.subarray(part);
      left -= part;
    }
  }

  async end(): Promise<void> {
    await this.reader.cancel().catch(() => {}); // it has failed already, and that was told
  }

  private async fill(): Promise<boolean> {
    while (this.rest.length === 0) {
      const { done, value } = await this.reader.read();
      if (done) return false;
      this.bytes += value.length;
      this.check(this.bytes);
      this.rest = value;
    }
    return true;
  }
}

function notAnArchive(path: string, kind: ArchiveKind): string {
  switch (kind) {
    case 'html':
      return (
        `${path} is a web page (HTML), not an archive: the download went through a login page or ` +
        'proxy, or the address was of a page; download the archive itself again'
      );
    case 'xz':
      return `${path} is compressed with xz: unpack it (tar -xJf ${path.split(/[\\/]/).at(-1)}) and give the folder`;
    case 'zip':
      return `${path} is a zip archive: unpack it and give the folder`;
    case 'empty':
      return `${path} is empty: download it again`;
    default:
      return `${path} is neither a folder nor a .tar or .tar.gz archive`;
  }
}
