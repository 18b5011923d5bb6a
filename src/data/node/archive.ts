// Reads files out of a .tar or .tar.gz into memory. The first bytes decide what it is, not the name:
// what a download leaves behind is often a web page, or an archive of another kind.

import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { messageOf, UserError } from '../../util/errors.ts';

/** What the first bytes say. */
type Kind = 'gzip' | 'tar' | 'html' | 'xz' | 'zip' | 'empty' | 'unknown';

async function kindOf(path: string): Promise<Kind> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(512);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const bytes = head.subarray(0, bytesRead);
    if (bytesRead === 0) return 'empty';
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'gzip';
    if (bytes.toString('latin1', 257, 262) === 'ustar') return 'tar';
    if (bytes.toString('latin1', 0, 6) === '\xfd7zXZ\0') return 'xz';
    if (bytes.toString('latin1', 0, 4) === 'PK\x03\x04') return 'zip';
    const text = bytes.toString('latin1').trimStart().toLowerCase();
    return /^(\xef\xbb\xbf)?<(!doctype html|html|head|!--|\?xml)/.test(text) ? 'html' : 'unknown';
  } finally {
    await file.close();
  }
}

/**
 * The files of an archive that `wanted` accepts, by their path in it. One archive member can be no
 * larger than `maxBytes`, so that a damaged or hostile archive cannot fill the memory.
 * @param wanted also sees the paths that are not kept
 * @throws UserError that names the archive and says what it is instead of an archive
 */
export async function readArchive(
  path: string,
  wanted: (name: string) => boolean,
  maxBytes = 1 << 28,
): Promise<Map<string, Uint8Array>> {
  const kind = await kindOf(path);
  if (kind !== 'gzip' && kind !== 'tar') throw new UserError(notAnArchive(path, kind));
  const files = new Map<string, Uint8Array>();
  const unpack = extract();
  const reading = pipeline(
    createReadStream(path),
    kind === 'gzip' ? createGunzip() : new PassThrough(),
    unpack,
  );
  // A failing read also ends the loop below; the handler keeps it from being reported twice.
  reading.catch(() => {});
  try {
    for await (const entry of unpack) {
      const { name, type, size = 0 } = entry.header;
      const keep = type === 'file' && wanted(name);
      if (keep && size > maxBytes) {
        throw new UserError(`${path} is not a CIFAR archive: ${name} has ${size} bytes`);
      }
      const chunks: Buffer[] = [];
      for await (const chunk of entry) if (keep) chunks.push(chunk as Buffer);
      if (keep) files.set(name.replace(/^\.\//, ''), Buffer.concat(chunks));
    }
    await reading;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${path} is damaged or incomplete (${messageOf(error)}): download it again`,
      { cause: error },
    );
  }
  return files;
}

function notAnArchive(path: string, kind: Kind): string {
  switch (kind) {
    case 'html':
      return (
        `${path} is a web page (HTML), not an archive: the download went through a login page or ` +
        'proxy, or the address was of a page; download the archive itself again'
      );
    case 'xz':
      return `${path} is compressed with xz: unpack it (tar -xJf ${basename(path)}) and give the folder`;
    case 'zip':
      return `${path} is a zip archive: unpack it and give the folder`;
    case 'empty':
      return `${path} is empty: download it again`;
    default:
      return `${path} is neither a folder nor a .tar or .tar.gz archive`;
  }
}
