// Making folders, where Node's own recursive mkdir waits for ever or blames the wrong thing.

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { makeFolder } from '../../src/util/make-folder.node.ts';

const root = mkdtempSync(path.join(tmpdir(), 'table6-folders-'));
const at = (name: string) => path.join(root, name);
afterAll(() => rmSync(root, { recursive: true }));

describe('a folder', () => {
  test('is made with those above it, and says whether it was there', async () => {
    expect(await makeFolder(at('a/b/c'))).toBe(true);
    expect(statSync(at('a/b/c')).isDirectory()).toBe(true);
    expect(await makeFolder(at('a/b/c'))).toBe(false);
    expect(await makeFolder(at('a'))).toBe(false);
    expect(await makeFolder(at('a/d'))).toBe(true);
  });

  test('is made by one of many at once', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => makeFolder(at('x/y/z'))));
    expect(made.filter(Boolean)).toHaveLength(1);
  });

  test('is not made where a file is', async () => {
    writeFileSync(at('file'), '');
    await expect(makeFolder(at('file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolder(at('file/below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  test.runIf(process.platform === 'linux')('below /proc is an error, at once', async () => {
    await expect(makeFolder('/proc/table6/run')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
