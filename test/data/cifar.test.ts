// CIFAR in its official layouts: folders and archives, as they are and damaged.

import { existsSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { CIFAR_LAYOUTS, CIFAR10_CLASSES } from '../../src/data/cifar.ts';
import { cifarTitle } from '../../src/data/cifar-title.ts';
import { emptySplit, IMAGE_BYTES } from '../../src/data/dataset.ts';
import { loadDataset } from '../../src/data/load.node.ts';
import { sharedFile } from '../support/shared.ts';
import {
  binaryRecords,
  put,
  putAll,
  randomSplit,
  tarOf,
  temporaryFolder,
  tinyCifar10,
} from './fixtures.ts';

const root = temporaryFolder();
let folders = 0;
/** A new folder with these files. */
function folderOf(files: Record<string, Uint8Array | string>): string {
  const folder = join(root, `data-${folders++}`);
  putAll(folder, files);
  return folder;
}
function fileOf(name: string, content: Uint8Array | string): string {
  const path = join(root, `file-${folders++}`, name);
  put(path, content);
  return path;
}
function inside(folder: string, files: Record<string, Buffer>): Record<string, Buffer> {
  return Object.fromEntries(
    Object.entries(files).map(([name, data]) => [`${folder}/${name}`, data]),
  );
}

describe('CIFAR-10, binary layout', () => {
  test('is read with its pixels in row order and its images in file order', async () => {
    const data = await loadDataset(folderOf(tinyCifar10()));
    expect([data.train.count, data.test.count]).toEqual([50, 10]);
    expect(data.train.images.subarray(0, 10 * IMAGE_BYTES)).toEqual(randomSplit(10, 10, 1).images);
    expect(data.train.images.subarray(40 * IMAGE_BYTES)).toEqual(randomSplit(10, 10, 5).images);
    expect(data.test).toEqual(randomSplit(10, 10, 6));
    expect(data.classes).toEqual(CIFAR10_CLASSES);
  });

  test('a subset says so in its title and never passes for the benchmark', async () => {
    const data = await loadDataset(folderOf(tinyCifar10()));
    expect(data.title).toBe('CIFAR-10 (subset: 50 + 10 images)');
    expect(data.isOriginalCifar10).toBe(false);
  });

  test('a complete set of other pixels does not either', async () => {
    const [train, test] = [emptySplit(50_000), emptySplit(10_000)];
    const batches = [0, 1, 2, 3, 4, 5].map(() => test);
    expect(await cifarTitle(CIFAR_LAYOUTS[0]!, { train, test, batches })).toMatchObject({
      title: 'CIFAR-10 (altered)',
      isOriginalCifar10: false,
    });
  });

  test("is found below the folder that was given, as in torchvision's ./data", async () => {
    const parent = folderOf(inside('cifar-10-batches-bin', tinyCifar10()));
    expect((await loadDataset(parent)).train.count).toBe(50);
  });

  test('takes class names from batches.meta.txt', async () => {
    const names = 'abcdefghij'.split('');
    const folder = folderOf({ ...tinyCifar10(), 'batches.meta.txt': `${names.join('\n')}\n\n` });
    expect((await loadDataset(folder)).classes).toEqual(names);
    const wrong = folderOf({ ...tinyCifar10(), 'batches.meta.txt': 'cat\ndog\n' });
    await expect(loadDataset(wrong)).rejects.toThrow(
      `${wrong}/batches.meta.txt is damaged: 2 class names instead of 10`,
    );
  });

  test('what the system refuses is said as everywhere, without its codes', async () => {
    const loop = fileOf('data_batch_1.bin', new Uint8Array());
    rmSync(loop);
    symlinkSync('data_batch_1.bin', loop);
    await expect(loadDataset(dirname(loop))).rejects.toThrow(
      `The symbolic links of "${loop}" lead in a circle: check the links.`,
    );
  });

  test('a truncated data_batch_3.bin is named, with its size', async () => {
    const files = tinyCifar10();
    const folder = folderOf({
      ...files,
      'data_batch_3.bin': files['data_batch_3.bin']!.subarray(0, 30_000),
    });
    await expect(loadDataset(folder)).rejects.toThrow(
      `${folder}/data_batch_3.bin is damaged or cut off: its 30,000 bytes are not a multiple of a ` +
        "record's 3,073 (9 whole images); download or unpack it again",
    );
    const empty = folderOf({ ...files, 'data_batch_3.bin': '' });
    await expect(loadDataset(empty)).rejects.toThrow(
      'data_batch_3.bin is damaged or cut off: its 0',
    );
  });

  test('a missing batch is named', async () => {
    const { 'data_batch_4.bin': _, ...files } = tinyCifar10();
    const folder = folderOf(files);
    await expect(loadDataset(folder)).rejects.toThrow(`data_batch_4.bin is missing in ${folder}`);
  });

  test('a label that no class has is named', async () => {
    const files = tinyCifar10();
    files['data_batch_2.bin']![3 * 3073] = 77;
    const folder = folderOf(files);
    await expect(loadDataset(folder)).rejects.toThrow(
      `${folder}/data_batch_2.bin is damaged: image 3 has label 77, and labels go from 0 to 9`,
    );
  });

  test('a validation split is taken from the training images', async () => {
    const folder = folderOf(tinyCifar10());
    const data = await loadDataset(folder, { validation: 10, seed: 1 });
    expect([data.train.count, data.validation?.count, data.test.count]).toEqual([40, 10, 10]);
    expect(await loadDataset(folder, { validation: 0.2, seed: 1 })).toEqual(data);
  });
});

describe('CIFAR-100, binary layout', () => {
  const names = Array.from({ length: 100 }, (_, i) => `class${i}`).join('\n');
  const files = {
    'train.bin': binaryRecords(randomSplit(200, 100, 1), 5),
    'test.bin': binaryRecords(randomSplit(100, 100, 2), 5),
  };

  test('uses the fine labels', async () => {
    const data = await loadDataset(folderOf({ ...files, 'fine_label_names.txt': names }));
    expect(data.title).toBe('CIFAR-100 (subset: 200 + 100 images)');
    expect(data.classes).toHaveLength(100);
    expect(data.test).toEqual(randomSplit(100, 100, 2));
  });

  test('needs its class names', async () => {
    const folder = folderOf(files);
    await expect(loadDataset(folder)).rejects.toThrow(
      `${folder}/fine_label_names.txt is missing: it holds the names of the 100 classes`,
    );
  });

  test('beside CIFAR-10 in one folder: the user must choose', async () => {
    const both = folderOf({
      ...inside('cifar-10-batches-bin', tinyCifar10()),
      ...inside('cifar-100-binary', files),
    });
    await expect(loadDataset(both)).rejects.toThrow(
      `${both} holds both CIFAR-10 and CIFAR-100: give ${both}/cifar-10-batches-bin or ` +
        `${both}/cifar-100-binary`,
    );
  });
});

describe('archives', () => {
  test('.tar.gz, .tgz and .tar give the same data as the folder', async () => {
    const expected = await loadDataset(folderOf(tinyCifar10()));
    const tar = await tarOf(inside('cifar-10-batches-bin', tinyCifar10()));
    for (const path of [
      fileOf('cifar-10-binary.tar.gz', gzipSync(tar)),
      fileOf('mine.tgz', gzipSync(tar)),
      fileOf('mine.tar', tar),
    ]) {
      const data = await loadDataset(path);
      expect(data).toEqual({ ...expected, source: path });
    }
  });

  test('a folder that holds only the official archive', async () => {
    const tar = await tarOf(inside('cifar-10-batches-bin', tinyCifar10()));
    const folder = folderOf({ 'cifar-10-binary.tar.gz': gzipSync(tar) });
    expect((await loadDataset(folder)).train.count).toBe(50);
  });

  test('members cannot escape: they are read into memory, by their last name only', async () => {
    const tar = await tarOf(inside('../../../escape', tinyCifar10()));
    expect((await loadDataset(fileOf('evil.tar', tar))).train.count).toBe(50);
    expect(existsSync(join(root, '../../../escape'))).toBe(false);
  });

  test('an HTML page instead of an archive', async () => {
    const path = fileOf('cifar-10-binary.tar.gz', '\n<!DOCTYPE html><html>Please log in</html>');
    await expect(loadDataset(path)).rejects.toThrow(
      `${path} is a web page (HTML), not an archive: the download went through a login page or ` +
        'proxy, or the address was of a page; download the archive itself again',
    );
  });

  test('a truncated archive', async () => {
    const whole = gzipSync(await tarOf(inside('cifar-10-batches-bin', tinyCifar10())));
    const path = fileOf('cut.tar.gz', whole.subarray(0, whole.length / 2));
    await expect(loadDataset(path)).rejects.toThrow(
      new RegExp(`${path} is damaged or incomplete \\(.*\\): download it again`),
    );
    const tar = await tarOf(inside('cifar-10-batches-bin', tinyCifar10()));
    const cutTar = fileOf('cut.tar', tar.subarray(0, 50_000));
    await expect(loadDataset(cutTar)).rejects.toThrow(/cut\.tar is damaged or incomplete/);
  });

  test.each([
    [
      'x.tar.xz',
      Buffer.from('fd377a585a00', 'hex'),
      /is compressed with xz: unpack it \(tar -xJf x/,
    ],
    ['x.zip', Buffer.from('PK\x03\x04'), /is a zip archive: unpack it and give the folder/],
    ['x.tar.gz', Buffer.alloc(0), /is empty: download it again/],
    ['x.txt', Buffer.from('hello'), /is neither a folder nor a \.tar or \.tar\.gz archive/],
  ])('other kinds of file are named: %s', async (name, content, message) => {
    await expect(loadDataset(fileOf(name, content))).rejects.toThrow(message);
  });

  test('an archive of something else', async () => {
    const path = fileOf('photos.tar', await tarOf({ 'train/cat/1.png': 'x', 'notes.txt': 'y' }));
    await expect(loadDataset(path)).rejects.toThrow(
      `${path} is an archive without CIFAR's files (it begins with train/cat/1.png, notes.txt): ` +
        'for an archive of images, unpack it and give the folder',
    );
  });
});

describe('other sources', () => {
  test('a path that does not exist', async () => {
    await expect(loadDataset('/no/such/place')).rejects.toThrow(
      "there is no data set or path '/no/such/place': give cifar10, cifar100, synthetic, a folder",
    );
  });

  test('a folder without data', async () => {
    const folder = folderOf({ 'readme.txt': 'nothing here' });
    await expect(loadDataset(folder)).rejects.toThrow(
      `${folder} is not a data set (it has readme.txt): expected CIFAR's files (such as data_batch_1.bin), a folder of images`,
    );
  });

  test('synthetic, with its options', async () => {
    const data = await loadDataset('synthetic:train=20,test=10');
    expect([data.title, data.train.count]).toEqual(['synthetic', 20]);
  });
});

const sample = sharedFile('data/cifar10-sample');
describe.skipIf(!sample)('the real sample (../shared/data/cifar10-sample)', () => {
  test('has 8,380 + 1,017 images and is called a subset', async () => {
    const data = await loadDataset(sample!);
    expect([data.train.count, data.test.count]).toEqual([8380, 1017]);
    expect(data.title).toBe('CIFAR-10 (subset: 8,380 + 1,017 images)');
    expect(data.isOriginalCifar10).toBe(false);
    // The first test image of CIFAR-10 is a cat, the second a ship.
    expect(Array.from(data.test.labels.subarray(0, 2))).toEqual([3, 8]);
  });

  test('each of its batches is recognised as the beginning of the published one', async () => {
    const { findings } = await loadDataset(sample!);
    expect(findings?.map(({ name, state, text }) => `${name} ${state}: ${text}`)).toEqual([
      'data_batch_1 part: 4,000 of 10,000 images; the first 4,000 are as published',
      'data_batch_2 part: 1,017 of 10,000 images; the first 1,000 are as published',
      'data_batch_3 part: 1,017 of 10,000 images; the first 1,000 are as published',
      'data_batch_4 part: 1,329 of 10,000 images; the first 1,000 are as published',
      'data_batch_5 part: 1,017 of 10,000 images; the first 1,000 are as published',
      'test_batch part: 1,017 of 10,000 images; the first 1,000 are as published',
    ]);
  });
});
