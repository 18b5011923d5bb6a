// A folder that is served, and nothing outside it: the one place where a request becomes a path. Names
// are checked one by one, and what a path really leads to is checked again behind symbolic links.

import type { BigIntStats, Dirent } from 'node:fs';
import { constants, type FileHandle, open, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { FileSystem } from '../runs/file-system.ts';
import { systemCode } from '../util/system-errors.ts';
import { Refusal } from './refusal.ts';

export interface OpenFile extends AsyncDisposable {
  readonly handle: FileHandle;
  readonly bytes: number;
  /** Changes whenever the file does: size, time and inode. */
  readonly tag: string;
}

/** What cannot be there is not there; what may not be read is said. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO'];

export class Folder {
  /** As it was typed; it need not exist yet. */
  readonly path: string;

  constructor(folder: string) {
    this.path = folder;
  }

  /**
   * Opens a file to read.
   * @param names the path below this folder, one name each
   * @returns undefined where there is no file
   * @throws Refusal for a name that is no name, or a link that leads out
   */
  async open(names: readonly string[]): Promise<OpenFile | undefined> {
    const real = await this.resolve(names);
    if (real === undefined) return undefined;
    // Not blocking: a pipe would wait for a writer for ever.
    const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);
    const handle = await absentAsUndefined(open(real, flags));
    if (handle === undefined) return undefined;
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) {
      await handle.close();
      return undefined;
    }
    return {
      handle,
      bytes: Number(stats.size),
      tag: tagOf(stats),
      [Symbol.asyncDispose]: () => handle.close(),
    };
  }

  /**
   * The tags of files in a folder below this one, without opening them; empty for those that are not
   * there.
   */
  async tags(names: readonly string[], files: readonly string[]): Promise<string[]> {
    const real = await this.resolve(names);
    if (real === undefined) return files.map(() => '');
    const stats = files.map((file) => stat(path.join(real, file), { bigint: true }));
    const known = await Promise.all(stats.map((each) => each.catch(() => undefined)));
    return known.map((each) => (each === undefined ? '' : tagOf(each)));
  }

  /** What is in a folder below this one; empty where there is none. */
  async list(names: readonly string[]): Promise<Dirent[]> {
    const real = await this.resolve(names);
    if (real === undefined) return [];
    return (await absentAsUndefined(readdir(real, { withFileTypes: true }))) ?? [];
  }

  /** The path behind all links; undefined where there is nothing. */
  async resolve(names: readonly string[]): Promise<string | undefined> {
    for (const name of names) checkName(name);
    const root = await absentAsUndefined(realpath(this.path));
    if (root === undefined) return undefined;
    const real = await absentAsUndefined(realpath(path.join(root, ...names)));
    if (real === undefined) return undefined;
    const inside = path.relative(root, real);
    if (inside === '..' || inside.startsWith(`..${path.sep}`) || path.isAbsolute(inside)) {
      throw new Refusal(403, `"${names.join('/')}" is a link that leads out of the served folder.`);
    }
    return real;
  }
}

function tagOf({ size, mtimeNs, ino }: BigIntStats): string {
  return [size, mtimeNs, ino].map((value) => value.toString(36)).join('-');
}

/** @throws Refusal unless it can be the name of one file or folder */
export function checkName(name: string): void {
  const isNone = name === '' || name === '.' || name === '..';
  if (isNone || /[/\\\0]/.test(name) || (process.platform === 'win32' && name.includes(':'))) {
    throw new Refusal(400, 'A path is made of plain names: no "..", backslash or null byte.');
  }
}

/** Far more than config.json and its like can hold. */
const LARGEST_DESCRIPTION = 16 * 2 ** 20;

/** The folder as readers of runs know it: paths begin with its own; nothing can be written. */
export function readOnlyFileSystem(folder: Folder): FileSystem {
  const namesOf = (file: string) => {
    if (file === folder.path) return [];
    if (!file.startsWith(`${folder.path}/`)) throw new Error(`${file} is not in ${folder.path}`);
    return file.slice(folder.path.length + 1).split('/');
  };
  const refuse = () => Promise.reject(new Error('the server only reads'));
  return {
    async read(file) {
      await using found = await folder.open(namesOf(file));
      if (found === undefined) return undefined;
      if (found.bytes > LARGEST_DESCRIPTION) {
        throw new Refusal(422, `"${file}" is damaged: it has ${found.bytes} bytes.`);
      }
      return await found.handle.readFile();
    },
    async size(file) {
      await using found = await folder.open(namesOf(file));
      return found?.bytes ?? 0;
    },
    list: async (file) => (await folder.list(namesOf(file))).map(({ name }) => name),
    makeFolder: refuse,
    create: refuse,
    isLink: refuse,
    createWhole: refuse,
    append: refuse,
    rename: refuse,
    remove: refuse,
    removeFolder: refuse,
    syncFolder: refuse,
  };
}

async function absentAsUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (ABSENT.includes(code)) return undefined;
    if (code === 'EACCES' || code === 'EPERM') {
      throw new Refusal(403, 'This file may not be read: its permissions forbid it.');
    }
    throw error;
  }
}
