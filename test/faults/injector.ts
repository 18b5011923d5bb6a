// A file system whose n-th operation fails, once or from then on, as disks, quotas and limits fail; or at which
// the process dies. It works on any other one, in memory or on a disk.

import type { FileSystem, OutputFile } from '../../src/runs/file-system.ts';

export const FAULTS = ['EIO', 'ENOSPC', 'EMFILE', 'EACCES', 'kill'] as const;
export type Fault = (typeof FAULTS)[number];

export interface Injection {
  readonly fault: Fault;
  /** Which operation fails, from 1. */
  readonly at: number;
  /** All later ones fail, too; a process that died does nothing more in any case. */
  readonly forEver: boolean;
}

export interface InjectedFileSystem extends FileSystem {
  /** Operations so far. */
  count(): number;
}

/** The fault is that of an operating system: its code, and no word more. */
function failure(fault: Fault): Error {
  const code = fault === 'kill' ? 'EIO' : fault;
  return Object.assign(new Error(`${code}: injected`), { code, syscall: 'write' });
}

export function injectFault(files: FileSystem, injection?: Injection): InjectedFileSystem {
  let operations = 0;
  const isDue = () => {
    operations++;
    if (!injection || operations < injection.at) return false;
    return operations === injection.at || injection.forEver || injection.fault === 'kill';
  };
  const operate = async <T>(work: () => Promise<T>, half?: () => Promise<void>): Promise<T> => {
    if (!isDue()) return await work();
    if (operations === injection!.at) await half?.();
    throw failure(injection!.fault);
  };
  const output = (file: OutputFile): OutputFile => ({
    // A full disk takes some of it, and so does one that dies.
    write: (bytes) =>
      operate(
        () => file.write(bytes),
        () => file.write(bytes.subarray(0, bytes.length >> 1)),
      ),
    sync: () => operate(() => file.sync()),
    // Whatever a system answers, the file is closed.
    close: () => file.close().then(() => operate(async () => {})),
  });
  return {
    count: () => operations,
    read: (path) => operate(() => files.read(path)),
    size: (path) => operate(() => files.size(path)),
    list: (path) => operate(() => files.list(path)),
    isLink: (path) => operate(() => files.isLink(path)),
    makeFolder: (path) => operate(() => files.makeFolder(path)),
    create: (path) => operate(async () => output(await files.create(path))),
    createWhole: (path, bytes) => operate(() => files.createWhole(path, bytes)),
    append: (path, size) => operate(async () => output(await files.append(path, size))),
    rename: (from, to) => operate(() => files.rename(from, to)),
    remove: (path) => operate(() => files.remove(path)),
    removeFolder: (path) => operate(() => files.removeFolder(path)),
    syncFolder: (path) => operate(() => files.syncFolder(path)),
  };
}
