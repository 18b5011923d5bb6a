// The run folder's file system on Node.js.

import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { errorCode, type FileSystem, type OutputFile } from './file-system.ts';

/** The value, or `instead` when the host answers with one of these error codes. */
async function unless<T>(promise: Promise<T>, codes: string[], instead: T): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (codes.includes(errorCode(error) ?? '')) return instead;
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

export const nodeFileSystem: FileSystem = {
  read: (path) => unless<Uint8Array | undefined>(readFile(path), ['ENOENT', 'ENOTDIR'], undefined),

  list: (path) => unless(readdir(path), ['ENOENT', 'ENOTDIR'], []),

  async makeFolder(path) {
    return (await mkdir(path, { recursive: true })) !== undefined;
  },

  async create(path, options) {
    const flags = options?.exclusive ? 'wx' : 'w';
    const opening = open(path, flags).then(outputFile);
    return options?.exclusive
      ? unless<OutputFile | undefined>(opening, ['EEXIST'], undefined)
      : opening;
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
