// The run folder's file system on Node.js.

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import {
  copyFile,
  type FileHandle,
  link,
  lstat,
  open,
  readdir,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { UserError } from '../util/errors.ts';
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

/** A pipe is not waited for; where the host knows no such flag it has no such pipes. */
const NO_WAIT = constants.O_NONBLOCK ?? 0;
const NO_LINK = constants.O_NOFOLLOW ?? 0;

/** Node.js reads no more at once. */
const MOST_BYTES = 2 * 2 ** 30;

async function readWhole(path: string): Promise<Uint8Array> {
  await using handle = await open(path, constants.O_RDONLY | NO_WAIT);
  const found = await handle.stat();
  if (!found.isFile()) throw irregular(path);
  if (found.size >= MOST_BYTES) {
    throw new UserError(
      `"${path}" has ${found.size} bytes, more than any file of a run: it is damaged, or none.`,
    );
  }
  return await handle.readFile();
}

function irregular(path: string): UserError {
  return new UserError(`"${path}" is no regular file: put a file in its place.`);
}

async function isLink(path: string): Promise<boolean> {
  const found = await unless(lstat(path), ['ENOENT', 'ENOTDIR'], undefined);
  return found?.isSymbolicLink() ?? false;
}

/**
 * Opens a file to write at its end. What is written stays in its folder: a symbolic link is refused, and a
 * file that has other names elsewhere (hard links, as backups are made of) is copied first.
 * @throws UserError for a link, or for what is no regular file
 */
export async function openToAppend(path: string): Promise<FileHandle> {
  if (await isLink(path)) {
    throw new UserError(
      `"${path}" is a link, and nothing outside a run's folder is written: put the file itself in its place.`,
    );
  }
  const flags = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | NO_LINK | NO_WAIT;
  const handle = await open(path, flags, 0o666);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw irregular(path);
    if (found.nlink <= 1) return handle;
    const own = `${path}.${randomUUID()}.tmp`;
    await copyFile(path, own, constants.COPYFILE_EXCL);
    await rename(own, path);
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  return await openToAppend(path);
}

export const nodeFileSystem: FileSystem = {
  read: (path) => unless<Uint8Array | undefined>(readWhole(path), ['ENOENT', 'ENOTDIR'], undefined),

  size: (path) =>
    unless(
      stat(path).then(({ size }) => size),
      ['ENOENT', 'ENOTDIR'],
      0,
    ),

  list: (path) => unless(readdir(path), ['ENOENT', 'ENOTDIR'], []),

  makeFolder,

  create: async (path) => outputFile(await open(path, 'wx')),

  async createWhole(path, bytes) {
    const temporary = `${path}.${randomUUID()}.tmp`;
    try {
      await writeFile(temporary, bytes, { flag: 'wx' });
      return await linkOrCreate(temporary, path, bytes);
    } finally {
      await rm(temporary, { force: true });
    }
  },

  async append(path, size) {
    const handle = await openToAppend(path);
    try {
      await handle.truncate(size);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return outputFile(handle);
  },

  isLink,

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
