import { execFileSync } from 'node:child_process';
import { link, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { nodeFileSystem } from '../../src/runs/file-system.node.ts';
import { type FileSystem, removeTemporaries, writeAtomically } from '../../src/runs/file-system.ts';
import { forbidden, fullDisk, temporaryFolder } from './support/hosts.ts';

describe('writing a file as a whole', () => {
  test('leaves the new content and nothing else', async () => {
    const dir = await temporaryFolder();
    await writeAtomically(nodeFileSystem, `${dir}/a`, 'old');
    await writeAtomically(nodeFileSystem, `${dir}/a`, 'new');
    expect(await readFile(`${dir}/a`, 'utf8')).toBe('new');
    expect(await readdir(dir)).toEqual(['a']);
  });

  test('syncs the content before the name moves to it, and the folder after', async () => {
    const dir = await temporaryFolder();
    const calls: string[] = [];
    const noted = <T>(call: string, done: Promise<T>): Promise<T> => {
      calls.push(call);
      return done;
    };
    const files: FileSystem = {
      ...nodeFileSystem,
      async create(path) {
        const file = (await nodeFileSystem.create(path))!;
        return {
          write: (bytes) => noted('write', file.write(bytes)),
          sync: () => noted('sync', file.sync()),
          close: () => noted('close', file.close()),
        };
      },
      rename: (from, to) => noted('rename', nodeFileSystem.rename(from, to)),
      syncFolder: (path) => noted(`syncFolder ${path}`, nodeFileSystem.syncFolder(path)),
    };
    await writeAtomically(files, `${dir}/a`, 'x');
    expect(calls).toEqual(['write', 'sync', 'close', 'rename', `syncFolder ${dir}`]);
  });

  test('takes a bare name as one in the current folder', async () => {
    const synced: string[] = [];
    const files: FileSystem = {
      ...nodeFileSystem,
      create: async () => ({ write: async () => {}, sync: async () => {}, close: async () => {} }),
      rename: async () => {},
      syncFolder: async (path) => void synced.push(path),
    };
    for (const path of ['model.pth', '/model.pth', 'a/b/model.pth']) {
      await writeAtomically(files, path, 'x');
    }
    expect(synced).toEqual(['.', '/', 'a/b']);
  });

  test('on a full disk leaves the old content whole, gives the space back and says so', async () => {
    const dir = await temporaryFolder();
    await writeFile(`${dir}/a`, 'old and whole');
    await expect(writeAtomically(fullDisk(10), `${dir}/a`, 'x'.repeat(11))).rejects.toThrow(
      `The disk is full: "${dir}/a" could not be written, and what was saved before is still whole; free some space and resume the run.`,
    );
    expect(await readFile(`${dir}/a`, 'utf8')).toBe('old and whole');
    expect(await readdir(dir)).toEqual(['a']);
  });

  test('without permission says what to do', async () => {
    const dir = await temporaryFolder();
    await expect(writeAtomically(forbidden('/a'), `${dir}/a`, 'x')).rejects.toThrow(
      `No permission to write "${dir}/a": choose another place, or change its permissions.`,
    );
  });
});

describe('on Node.js', () => {
  test('a missing file or folder is no error', async () => {
    const dir = await temporaryFolder();
    expect(await nodeFileSystem.read(`${dir}/none`)).toBeUndefined();
    expect(await nodeFileSystem.list(`${dir}/none`)).toEqual([]);
    await nodeFileSystem.remove(`${dir}/none`);
  });

  test('of many that make a whole file at once one does, and nothing else is left', async () => {
    const dir = await temporaryFolder();
    const bytes = (i: number) => new TextEncoder().encode(`made by ${i}`);
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, i) => nodeFileSystem.createWhole(`${dir}/a`, bytes(i))),
    );
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await readFile(`${dir}/a`, 'utf8')).toBe(`made by ${made.indexOf(true)}`);
    expect(await readdir(dir)).toEqual(['a']);
  });

  test('appending cuts the file first', async () => {
    const dir = await temporaryFolder();
    await writeFile(`${dir}/a`, '0123456789');
    const file = await nodeFileSystem.append(`${dir}/a`, 4);
    await file.write(new TextEncoder().encode('x'));
    await file.write(new TextEncoder().encode('y'));
    await file.close();
    expect(await readFile(`${dir}/a`, 'utf8')).toBe('0123xy');
  });
});

describe('what is in a folder of a run', () => {
  test('is not written through a link', async () => {
    const dir = await temporaryFolder();
    await writeFile(`${dir}/precious`, 'years of work');
    await symlink('precious', `${dir}/log.txt`);
    await expect(nodeFileSystem.append(`${dir}/log.txt`, 0)).rejects.toThrow(
      `"${dir}/log.txt" is a link, and nothing outside a run's folder is written`,
    );
    await symlink('nowhere', `${dir}/broken`);
    await expect(nodeFileSystem.append(`${dir}/broken`, 0)).rejects.toThrow('is a link');
    await writeAtomically(nodeFileSystem, `${dir}/log.txt`, 'new');
    expect(await readFile(`${dir}/precious`, 'utf8')).toBe('years of work');
    expect(await readdir(dir)).toEqual(['broken', 'log.txt', 'precious']);
  });

  test('is not written into a file that has another name elsewhere', async () => {
    const dir = await temporaryFolder();
    await writeFile(`${dir}/precious`, 'years of work');
    await link(`${dir}/precious`, `${dir}/log.txt`);
    const file = await nodeFileSystem.append(`${dir}/log.txt`, 5);
    await file.write(new TextEncoder().encode('!'));
    await file.close();
    expect(await readFile(`${dir}/precious`, 'utf8')).toBe('years of work');
    expect(await readFile(`${dir}/log.txt`, 'utf8')).toBe('years!');
    expect(await readdir(dir)).toEqual(['log.txt', 'precious']);
  });

  test('is not waited for when it is a pipe', async () => {
    const dir = await temporaryFolder();
    execFileSync('mkfifo', [`${dir}/pipe`]);
    await expect(nodeFileSystem.read(`${dir}/pipe`)).rejects.toThrow('is no regular file');
    await expect(nodeFileSystem.append(`${dir}/pipe`, 0)).rejects.toThrow();
    await expect(nodeFileSystem.read('/dev/zero')).rejects.toThrow('is no regular file');
  });

  test('is not read when it is larger than anything that a run writes', async () => {
    const dir = await temporaryFolder();
    await writeFile(`${dir}/a`, '');
    await truncate(`${dir}/a`, 3 * 2 ** 30);
    await expect(nodeFileSystem.read(`${dir}/a`)).rejects.toThrow('has 3221225472 bytes');
  });

  test('and was left half written by a process that was killed is removed, and nothing else', async () => {
    const dir = await temporaryFolder();
    for (const name of ['last.safetensors.0123abcd.tmp', 'lock.json.x.tmp', 'a.txt']) {
      await writeFile(`${dir}/${name}`, '');
    }
    await symlink('a.txt', `${dir}/b.tmp`);
    await removeTemporaries(nodeFileSystem, dir);
    expect(await readdir(dir)).toEqual(['a.txt', 'lock.json.x.tmp']);
  });
});

test('the size of a file is known without reading it', async () => {
  const dir = await temporaryFolder();
  await writeFile(`${dir}/a`, 'four');
  expect(await nodeFileSystem.size(`${dir}/a`)).toBe(4);
  expect(await nodeFileSystem.size(`${dir}/b`)).toBe(0);
  expect(await nodeFileSystem.size(`${dir}/a/b`)).toBe(0);
});
