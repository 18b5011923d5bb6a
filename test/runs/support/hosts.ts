// File systems and processes for tests of run folders: a real folder that goes away afterwards, a
// disk that fills up, a disk that may not be written.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { nodeFileSystem } from '../../../src/runs/file-system.node.ts';
import type { FileSystem, OutputFile } from '../../../src/runs/file-system.ts';
import type { ProcessIdentity } from '../../../src/runs/holder.ts';
import type { RunHost } from '../../../src/runs/run.ts';

export async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'table6-test-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export function identity(changes: Partial<ProcessIdentity> = {}): ProcessIdentity {
  return {
    pid: 100,
    host: 'here',
    isAlive: () => false,
    now: () => 1_700_000_000_000,
    wait: async () => {},
    ...changes,
  };
}

export function testHost(files: FileSystem = nodeFileSystem): RunHost {
  return { files, self: identity() };
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** A disk with room for `bytes` more bytes; half of a write that does not fit is written. */
export function fullDisk(bytes: number): FileSystem & { room: number } {
  const disk = {
    ...nodeFileSystem,
    room: bytes,
    async createWhole(path: string, content: Uint8Array) {
      if (content.length > disk.room) throw failure('ENOSPC');
      return nodeFileSystem.createWhole(path, content);
    },
    async create(path: string) {
      const file = await nodeFileSystem.create(path);
      return {
        ...file,
        async write(content: Uint8Array) {
          if (content.length > disk.room) {
            await file.write(content.subarray(0, content.length / 2));
            throw failure('ENOSPC');
          }
          disk.room -= content.length;
          await file.write(content);
        },
      };
    },
  };
  return disk;
}

/** Does `left` more writes, renames and the like, and then nothing any more: all of them fail. */
export function powerCut(left: number): FileSystem & { left: number } {
  const count = <T>(work: () => Promise<T>): Promise<T> => {
    if (--disk.left < 0) return Promise.reject(failure('EIO'));
    return work();
  };
  const counted = (file: OutputFile): OutputFile => ({
    write: (bytes) => count(() => file.write(bytes)),
    sync: () => count(() => file.sync()),
    // The process ends, so its files are closed in any case.
    close: () => file.close(),
  });
  const disk: FileSystem & { left: number } = {
    ...nodeFileSystem,
    left,
    create: (path) => count(async () => counted(await nodeFileSystem.create(path))),
    createWhole: (path, bytes) => count(() => nodeFileSystem.createWhole(path, bytes)),
    append: (path, size) => count(async () => counted(await nodeFileSystem.append(path, size))),
    rename: (from, to) => count(() => nodeFileSystem.rename(from, to)),
    remove: (path) => count(() => nodeFileSystem.remove(path)),
    syncFolder: (path) => count(() => nodeFileSystem.syncFolder(path)),
  };
  return disk;
}

/** Refuses, once `isTime`, to replace files whose path ends with one of `names`, or to write at their ends. */
export function failing(names: readonly string[], isTime: () => boolean): FileSystem {
  const refuse = (path: string) => {
    if (isTime() && names.some((name) => path.endsWith(name))) throw failure('ENOSPC');
  };
  return {
    ...nodeFileSystem,
    async rename(from, to) {
      refuse(to);
      return nodeFileSystem.rename(from, to);
    },
    async append(path, size) {
      const file = await nodeFileSystem.append(path, size);
      const write = async (bytes: Uint8Array) => {
        refuse(path);
        await file.write(bytes);
      };
      return { ...file, write };
    },
  };
}

/** Refuses to write any file whose path contains `part`. */
export function forbidden(part: string): FileSystem {
  return {
    ...nodeFileSystem,
    async create(path) {
      if (path.includes(part)) throw failure('EACCES');
      return nodeFileSystem.create(path);
    },
    async createWhole(path, bytes) {
      if (path.includes(part)) throw failure('EACCES');
      return nodeFileSystem.createWhole(path, bytes);
    },
    async makeFolder(path) {
      if (path.includes(part)) throw failure('EACCES');
      return nodeFileSystem.makeFolder(path);
    },
  };
}
