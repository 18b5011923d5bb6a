// A folder is the same to the rules for layouts on a disk and as a list of paths.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listedFolder, placeIn } from '../../src/data/folder-files.ts';
import { diskFolder } from '../../src/data/node/folder-files.ts';
import { putAll, temporaryFolder } from './fixtures.ts';

const FILES = {
  'b/2.png': 'x',
  'b/10.png': 'x',
  'b/a/1.png': 'x',
  'b/.hidden/1.png': 'x',
  'a-b/1.png': 'x',
  '__MACOSX/b/1.png': 'x',
  '.DS_Store': 'x',
  'labels.csv': '1,frog\n',
};

test('a folder on a disk and a list of its paths look the same', async () => {
  const root = temporaryFolder();
  putAll(root, FILES);
  const disk = diskFolder(root);
  const listed = listedFolder(root, Object.keys(FILES), (path) =>
    readFile(join(root, path), 'utf8'),
  );
  for (const path of ['', '.', 'b', 'b/a']) {
    expect(listed.list(path), path).toEqual(disk.list(path));
    expect(listed.below(path), path).toEqual(disk.below(path));
  }
  expect(listed.list('')).toEqual({ names: ['a-b', 'b'], files: ['labels.csv'] });
  expect(listed.below('b')).toEqual(['10.png', '2.png', 'a/1.png']);
  expect(await listed.text('labels.csv')).toBe('1,frog\n');
});

test('places are named with one slash, and the folder itself as it was given', () => {
  expect(placeIn({ place: 'pets/' }, 'train/cat')).toBe('pets/train/cat');
  expect(placeIn({ place: 'pets/' }, '')).toBe('pets/');
  expect(placeIn({ place: '/' }, 'train')).toBe('/train');
});
