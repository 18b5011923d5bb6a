// A run folder's file system in memory: where a browser gives a page no storage (private windows of
// some), and for tests. It is gone with whoever made it.

import type { FileSystem, OutputFile } from './file-system.ts';

/** An empty file system. */
export function createMemoryFileSystem(): FileSystem {
  const contents = new Map<string, Uint8Array<ArrayBuffer>>();
  const folders = new Set<string>();

  const outputFile = (path: string): OutputFile => ({
    async write(bytes) {
      const before = contents.get(path) ?? new Uint8Array();
      const after = new Uint8Array(before.length + bytes.length);
      after.set(before);
      after.set(bytes, before.length);
      contents.set(path, after);
    },
    async sync() {},
    async close() {},
  });

  return {
    async read(path) {
      return contents.get(path)?.slice();
    },
    async size(path) {
      return contents.get(path)?.length ?? 0;
    },
    async list(path) {
      const inside = `${path}/`;
      const names = [...contents.keys(), ...folders]
        .filter((other) => other.startsWith(inside))
        .map((other) => other.slice(inside.length).split('/')[0] as string);
      return [...new Set(names)];
    },
    async makeFolder(path) {
      const isNew = !folders.has(path);
      const parts = path.split('/');
      for (let end = 1; end <= parts.length; end++) folders.add(parts.slice(0, end).join('/'));
      return isNew;
    },
    async create(path) {
      if (contents.has(path)) {
        throw Object.assign(new Error(`there is "${path}" already`), { code: 'EEXIST' });
      }
      contents.set(path, new Uint8Array());
      return outputFile(path);
    },
    async createWhole(path, bytes) {
      if (contents.has(path)) return false;
      contents.set(path, Uint8Array.from(bytes));
      return true;
    },
    async append(path, size) {
      const cut = new Uint8Array(size);
      cut.set((contents.get(path) ?? new Uint8Array()).subarray(0, size));
      contents.set(path, cut);
      return outputFile(path);
    },
    async isLink() {
      return false;
    },
    async rename(from, to) {
      const bytes = contents.get(from);
      if (!bytes) throw Object.assign(new Error(`there is no "${from}"`), { code: 'ENOENT' });
      contents.set(to, bytes);
      contents.delete(from);
    },
    async remove(path) {
      contents.delete(path);
    },
    async removeFolder(path) {
      const inside = `${path}/`;
      for (const other of [...contents.keys()]) {
        if (other.startsWith(inside)) contents.delete(other);
      }
      for (const other of [...folders]) {
        if (other === path || other.startsWith(inside)) folders.delete(other);
      }
    },
    async syncFolder() {},
  };
}
