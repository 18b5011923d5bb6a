// Makes a folder and those above it. Node's own recursive `mkdir` never returns where the system answers
// that there can be no such folder (below /proc), and blames a missing file for a read-only file system.

import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from './system-errors.ts';

/**
 * @returns false if it was there already
 * @throws the system's error for the first folder that cannot be made
 */
export async function makeFolder(path: string): Promise<boolean> {
  try {
    return await makeOne(path);
  } catch (error) {
    const parent = dirname(path);
    if (systemCode(error) !== 'ENOENT' || parent === path) throw error;
    await makeFolder(parent);
    return await makeOne(path);
  }
}

/** In a parent that is there. Of a folder that is there, some systems say EROFS or EACCES. */
async function makeOne(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (await isFolder(path)) return false;
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
