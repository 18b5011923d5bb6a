// Where data sets are kept on this machine, and how files get there whole: written beside their
// place, flushed, then renamed, so that a reader sees the old file or the new one and never half.

import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { messageOf, UserError } from '../../util/errors.ts';
import { makeFolder } from '../../util/make-folder.node.ts';

/**
 * The cache folder: `TABLE6_DATA`, else `table6` in `XDG_CACHE_HOME`, else `~/.cache/table6`. It need
 * not exist.
 */
export function cacheFolder(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  if (environment.TABLE6_DATA) return resolve(environment.TABLE6_DATA);
  return join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'table6');
}

/** A name beside `path` that no other process uses. */
export function temporaryBeside(path: string): string {
  return `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
}

/** Writes a file in one step, in pieces, making its folder when needed. */
export async function writeAtomically(path: string, parts: readonly Uint8Array[]): Promise<void> {
  await makeFolder(dirname(path));
  const temporary = temporaryBeside(path);
  try {
    const file = await open(temporary, 'wx');
    try {
      for (const part of parts) {
        // A write may take less than it was given.
        for (let at = 0; at < part.length; ) {
          at += (await file.write(part, at, part.length - at)).bytesWritten;
        }
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Makes the cache folder, or says how to choose another. */
export async function makeCacheFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
  } catch (error) {
    throw new UserError(
      `the data cache ${folder} cannot be made (${messageOf(error)}): set TABLE6_DATA to a folder ` +
        'that can be written',
      { cause: error },
    );
  }
}
