// Reads files out of a .tar or .tar.gz on the disk into memory.

import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { archiveKind, HEAD_BYTES, readTar } from '../../formats/tar.ts';
import { UserError } from '../../util/errors.ts';

/**
 * The files of an archive that `wanted` accepts, by their path in it.
 * @param wanted also sees the paths that are not kept
 * @throws UserError that names the archive and says what it is instead of an archive
 */
export async function readArchive(
  path: string,
  wanted: (name: string) => boolean,
): Promise<Map<string, Uint8Array>> {
  const kind = archiveKind(await readHead(path));
  const stream = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array<ArrayBuffer>>;
  return await readTar(stream, kind, { path, wanted });
}

/**
 * The first bytes of a file, which say what it is.
 * @throws UserError where it is no regular file
 */
export async function readHead(path: string): Promise<Uint8Array> {
  // Opening a pipe waits for who writes into it; a device has no end.
  if (!(await stat(path)).isFile()) {
    throw new UserError(`${path} is neither a folder nor a regular file: give a data set`);
  }
  await using file = await open(path, 'r');
  const bytes = new Uint8Array(HEAD_BYTES);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
  return bytes.subarray(0, bytesRead);
}
