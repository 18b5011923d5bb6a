// A run folder's file system in a browser: the origin private file system (OPFS), which belongs to the
// page's origin and survives reloads. Files are written through synchronous access handles, which only
// workers have, because those can flush. There is no exclusive create; where one is needed, a lock that
// all tabs share takes its place.

import { messageOf } from '../util/errors.ts';
import type { FileSystem, OutputFile } from './file-system.ts';

// The parts of the DOM that are used; the library's types must not ask for the whole of it.
interface AccessHandle {
  write(bytes: Uint8Array, options: { at: number }): number;
  read(bytes: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}
interface FileHandle {
  readonly kind: 'file';
  getFile(): Promise<Blob>;
  createSyncAccessHandle(): Promise<AccessHandle>;
  move?(folder: FolderHandle, name: string): Promise<void>;
}
interface FolderHandle {
  readonly kind: 'directory';
  getFileHandle(name: string, options?: { create: boolean }): Promise<FileHandle>;
  getDirectoryHandle(name: string, options?: { create: boolean }): Promise<FolderHandle>;
  removeEntry(name: string, options?: { recursive: boolean }): Promise<void>;
  keys(): AsyncIterable<string>;
}
interface Locks {
  request<T>(name: string, work: () => Promise<T>): Promise<T>;
}
interface Scope {
  readonly navigator: {
    readonly storage?: { getDirectory?(): Promise<FolderHandle> };
    readonly locks?: Locks;
  };
}
const scope = globalThis as unknown as Scope;

/** Where a file that takes another one's place waits while that one is removed. */
const REPLACEMENT = '.replacement';

/** How often a file is read again that another writer replaces meanwhile. */
const READS = 10;

/**
 * Opens the origin's file system, in a worker.
 * @throws Error saying what the browser lacks: some have no such storage in private windows
 */
export async function openOpfs(): Promise<FileSystem> {
  const { storage, locks } = scope.navigator;
  if (!storage?.getDirectory) throw new Error('this browser has no file system for pages');
  if (!locks)
    throw new Error('this browser has no locks, or the page is not from https or localhost');
  const root = await storage.getDirectory();
  const probe = '.table6-probe';
  const file = await root.getFileHandle(probe, { create: true });
  try {
    if (!file.move) throw new Error('this browser cannot rename files of pages');
    (await file.createSyncAccessHandle()).close();
  } finally {
    await root.removeEntry(probe).catch(() => {}); // another tab's probe of the same name
  }
  return new Opfs(root, locks);
}

class Opfs implements FileSystem {
  private readonly root: FolderHandle;
  private readonly locks: Locks;
  /** Files that are being written here: nobody may open them a second time, we neither. */
  private readonly open = new Map<string, AccessHandle>();

  constructor(root: FolderHandle, locks: Locks) {
    this.root = root;
    this.locks = locks;
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    const handle = this.open.get(path);
    if (handle) {
      const bytes = new Uint8Array(handle.getSize());
      handle.read(bytes, { at: 0 });
      return bytes;
    }
    for (let left = READS; ; left--) {
      const file = await this.findWhole(path);
      try {
        return file && new Uint8Array(await file.arrayBuffer());
      } catch (error) {
        // It was replaced or written to after it was found: what is there now is whole.
        if (!['NotReadableError', 'NotFoundError'].includes(nameOf(error)) || left === 0)
          throw coded(error);
      }
    }
  }

  async size(path: string): Promise<number> {
    const handle = this.open.get(path);
    return handle ? handle.getSize() : ((await this.findWhole(path))?.size ?? 0);
  }

  /** The file, or the whole one that was about to replace it when a tab ended. */
  private async findWhole(path: string): Promise<Blob | undefined> {
    const file = (await this.find(path)) ?? (await this.find(path + REPLACEMENT));
    return await file?.getFile();
  }

  async list(path: string): Promise<string[]> {
    const folder = await this.folder(path);
    if (!folder) return [];
    const names = new Set<string>();
    for await (const name of folder.keys()) {
      names.add(name.endsWith(REPLACEMENT) ? name.slice(0, -REPLACEMENT.length) : name);
    }
    return [...names];
  }

  async makeFolder(path: string): Promise<boolean> {
    // Two tabs may ask at once; only one of them may be told that it was the one.
    return await this.alone(async () => {
      if (await this.folder(path)) return false;
      await withCodes(this.folder(path, true));
      return true;
    });
  }

  async create(path: string): Promise<OutputFile> {
    if (await this.find(path)) throw withCode('EEXIST', `there is "${path}" already`);
    return await this.output(path, 0);
  }

  async append(path: string, size: number): Promise<OutputFile> {
    return await this.output(path, size);
  }

  async createWhole(path: string, bytes: Uint8Array): Promise<boolean> {
    return await this.alone(async () => {
      if (await this.find(path)) return false;
      const temporary = `${path}.${crypto.randomUUID()}.tmp`;
      try {
        const file = await this.create(temporary);
        try {
          await file.write(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await this.rename(temporary, path);
      } catch (error) {
        await this.remove(temporary).catch(() => {});
        throw error;
      }
      return true;
    });
  }

  async isLink(): Promise<boolean> {
    return false; // there are none
  }

  async rename(from: string, to: string): Promise<void> {
    const file = await this.find(from);
    const [folderPath, name] = split(to);
    const folder = await this.folder(folderPath, true);
    if (!file?.move || !folder) throw withCode('ENOENT', `there is no "${from}"`);
    try {
      await file.move(folder, name);
    } catch (error) {
      if (!(await this.find(to))) throw coded(error);
      // A browser that does not move a file over another one.
      await withCodes(file.move(folder, name + REPLACEMENT));
      await this.remove(to);
      const moved = await this.find(to + REPLACEMENT);
      await withCodes(moved!.move!(folder, name));
    }
  }

  async remove(path: string): Promise<void> {
    const [folderPath, name] = split(path);
    const folder = await this.folder(folderPath);
    if (folder) await unlessMissing(folder.removeEntry(name));
  }

  async removeFolder(path: string): Promise<void> {
    const [folderPath, name] = split(path);
    const folder = await this.folder(folderPath);
    if (folder) await unlessMissing(folder.removeEntry(name, { recursive: true }));
  }

  async syncFolder(): Promise<void> {} // the browser's own business

  private async output(path: string, size: number): Promise<OutputFile> {
    const [folderPath, name] = split(path);
    const folder = await withCodes(this.folder(folderPath));
    if (!folder) throw withCode('ENOENT', `there is no folder "${folderPath}"`);
    const file = await withCodes(folder.getFileHandle(name, { create: true }));
    const handle = await withCodes(file.createSyncAccessHandle());
    handle.truncate(size);
    this.open.set(path, handle);
    let at = size;
    return {
      async write(bytes) {
        for (let done = 0; done < bytes.length; ) {
          const written = attempt(() => handle.write(bytes.subarray(done), { at }));
          if (written === 0) throw withCode('ENOSPC', 'nothing more could be written');
          done += written;
          at += written;
        }
      },
      sync: async () => attempt(() => handle.flush()),
      close: async () => {
        if (this.open.get(path) === handle) this.open.delete(path);
        handle.close();
      },
    };
  }

  /** The folder, or undefined where there is none. */
  private async folder(path: string, create = false): Promise<FolderHandle | undefined> {
    let folder: FolderHandle | undefined = this.root;
    for (const name of path.split('/').filter((part) => part !== '' && part !== '.')) {
      folder = await unlessMissing(folder.getDirectoryHandle(name, { create }));
      if (!folder) return undefined;
    }
    return folder;
  }

  private async find(path: string): Promise<FileHandle | undefined> {
    const [folderPath, name] = split(path);
    const folder = await this.folder(folderPath);
    return folder && (await unlessMissing(folder.getFileHandle(name)));
  }

  private alone<T>(work: () => Promise<T>): Promise<T> {
    return this.locks.request('table6 file system', work);
  }
}

function split(path: string): [folder: string, name: string] {
  const end = path.lastIndexOf('/');
  return [path.slice(0, Math.max(end, 0)), path.slice(end + 1)];
}

/** The value, or undefined where there is no such file or folder. */
async function unlessMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    const name = nameOf(error);
    if (name === 'NotFoundError' || name === 'TypeMismatchError') return undefined;
    throw coded(error);
  }
}

/** Node's codes for what browsers name otherwise: `writeError` words them for people. */
const CODES: Readonly<Record<string, string>> = {
  QuotaExceededError: 'ENOSPC',
  NoModificationAllowedError: 'EBUSY',
  InvalidStateError: 'EBUSY',
  NotAllowedError: 'EACCES',
  TypeMismatchError: 'ENOTDIR',
  NotFoundError: 'ENOENT',
};

function coded(error: unknown): unknown {
  const code = CODES[nameOf(error)];
  return code === undefined ? error : withCode(code, messageOf(error), error);
}

/** The promise, with Node's codes in its errors. */
async function withCodes<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw coded(error);
  }
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw coded(error);
  }
}

function withCode(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code });
}

function nameOf(error: unknown): string {
  return error instanceof Error || error instanceof DOMException ? error.name : '';
}
