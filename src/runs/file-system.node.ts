// The run folder's file system on Node.js.

import { randomUUID } from 'node:crypto';
import {
  type FileHandle,
  link,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { makeFolder } from '../util/make-folder.node.ts';
import { systemCode } from '../util/system-errors.ts';
import type { FileSystem, OutputFile } from './file-system.ts';

/** The value, or `instead` when the host answers with one of these error codes. */
async function unless<T>(promise: Promise<T>, codes: string[], instead: T): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (codes.includes(systemCode(error) ?? '')) return instead;
    throw error;
  }
}

function outputFile(handle: FileHandle): OutputFile {
  return {
    // `writeFile` on a handle goes on after partial writes; `write` alone would not.
    write: (bytes) => handle.writeFile(bytes),
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}

/** File systems without hard links (FAT, some network ones). */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL'];

/** A hard link appears at once and whole, or not at all where there is a file already. */
async function linkOrCreate(from: string, to: string, bytes: Uint8Array): Promise<boolean> {
  const done = (work: Promise<void>) => work.then(() => true);
  try {
    return await unless(done(link(from, to)), ['EEXIST'], false);
  } catch (error) {
    if (!NO_LINKS.includes(systemCode(error) ?? '')) throw error;
    return await unless(done(writeFile(to, bytes, { flag: 'wx' })), ['EEXIST'], false);
  }
}

export const nodeFileSystem: FileSystem = {
  read: (path) => unless<Uint8Array | undefined>(readFile(path), ['ENOENT', 'ENOTDIR'], undefined),

  size: (path) =>
    unless(
      stat(path).then(({ size }) => size),
      ['ENOENT', 'ENOTDIR'],
      0,
    ),

  list: (path) => unless(readdir(path), ['ENOENT', 'ENOTDIR'], []),

  makeFolder,

  create: async (path) => outputFile(await open(path, 'w')),

  async createWhole(path, bytes) {
    const temporary = `${path}.${randomUUID()}.tmp`;
    try {
      await writeFile(temporary, bytes);
      return await linkOrCreate(temporary, path, bytes);
    } finally {
      await rm(temporary, { force: true });
    }
  },

  async append(path, size) {
    const handle = await open(path, 'a');
    try {
      await handle.truncate(size);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return outputFile(handle);
  },

  rename: (from, to) => rename(from, to),

  remove: (path) => rm(path, { force: true }),

  removeFolder: (path) => rm(path, { force: true, recursive: true }),

  async syncFolder(path) {
    // Windows cannot open folders; it writes names through by itself.
    if (process.platform === 'win32') return;
    const handle = await open(path, 'r');
    try {
      // Some network file systems refuse to sync a folder.
      await unless(handle.sync(), ['EINVAL', 'ENOTSUP', 'EPERM', 'EISDIR'], undefined);
    } finally {
      await handle.close();
    }
  },
};
