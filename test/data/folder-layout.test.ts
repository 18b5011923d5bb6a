// Folders of images as people have them: each layout gives its images, and what is not used is named.

import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { readFolderLayout } from '../../src/data/folder-layout.ts';
import { loadDataset } from '../../src/data/load.node.ts';
import type { LoadOptions } from '../../src/data/load-options.ts';
import { diskFolder } from '../../src/data/node/folder-files.ts';
import { encodePng } from '../../src/formats/png.node.ts';
import { putAll, temporaryFolder } from './fixtures.ts';

const root = temporaryFolder();
const grey = (value: number) =>
  encodePng({ width: 32, height: 32, pixels: new Uint8Array(3072).fill(value) });

let folder = '';
let folders = 0;
let notices: string[] = [];
beforeEach(() => {
  folder = join(root, `set-${folders++}`);
  notices = [];
  vi.stubEnv('TABLE6_DATA', join(root, 'cache'));
});

const load = (options: LoadOptions = {}) =>
  loadDataset(folder, { onNotice: (line) => notices.push(line), ...options });

/** `count` images of two classes in a folder. */
function images(place: string, count = 2, classes = ['blue', 'red']): Record<string, Buffer> {
  const files: Record<string, Buffer> = {};
  for (const name of classes) {
    for (let i = 0; i < count; i++) files[join(place, name, `${i}.png`)] = Buffer.from(grey(i));
  }
  return files;
}

const counts = async (options?: LoadOptions) => {
  const { train, test: tested, validation } = await load(options);
  return [train.count, tested.count, validation?.count];
};

describe('folders of splits', () => {
  test.each(['val', 'valid', 'validation', 'Val', 'dev'])('train and %s', async (name) => {
    putAll(folder, { ...images('train', 3), ...images(name, 1) });
    expect(await counts()).toEqual([6, 2, undefined]);
    expect(notices).toEqual([
      `${folder} has no test folder: the 2 images of its validation folder are its test set`,
    ]);
  });

  test('train, val and test: val chooses the best epoch', async () => {
    putAll(folder, { ...images('train', 3), ...images('val', 1), ...images('test', 2) });
    expect(await counts()).toEqual([6, 4, 2]);
    expect(notices).toEqual([]);
  });

  test('val is not used, and named, where images are held out as well', async () => {
    putAll(folder, { ...images('train', 4), ...images('val', 1), ...images('test', 2) });
    expect(await counts({ validation: 2 })).toEqual([6, 4, 2]);
    expect(notices).toEqual([
      `${folder} has 2 validation images of its own, which are not used: 2 of the training images are held out, as asked`,
    ]);
  });

  test('the second time they come from the cache, validation too', async () => {
    putAll(folder, { ...images('train', 3), ...images('val', 1), ...images('test', 2) });
    const first = await load();
    expect(await load()).toEqual(first);
  });

  test('two folders that mean the same are an error', async () => {
    putAll(folder, { ...images('train'), ...images('val'), ...images('valid') });
    await expect(load()).rejects.toThrow('has both val and valid, which mean the same');
  });

  test('only test images are enough for testing, and not for training', async () => {
    putAll(folder, images('test', 2));
    expect(await counts({ forTesting: true })).toEqual([0, 4, undefined]);
    await expect(load()).rejects.toThrow('has no training images, only a test folder');
  });

  test('what is not used is named', async () => {
    putAll(folder, { ...images('train'), ...images('test'), ...images('extra'), 'notes.txt': 'x' });
    putAll(folder, { 'train/loose.png': grey(1), 'train/red/list.csv': 'x' });
    await load();
    expect(notices).toEqual([
      `not used in ${folder}: extra/`,
      `not used in ${join(folder, 'train')}: 1 image outside of the class folders`,
      `ignored in ${folder}, being no images (PNG, JPEG, WebP ...): 1`,
    ]);
  });

  test('a folder around them is gone into', async () => {
    putAll(folder, { ...images('photos/train'), ...images('photos/test', 1) });
    putAll(folder, { '__MACOSX/train/red/._0.png': 'x' });
    expect(await counts()).toEqual([4, 2, undefined]);
  });
});

describe('classes without train', () => {
  test('with images held out', async () => {
    putAll(folder, images('.', 5));
    expect(await counts({ validation: 0.2 })).toEqual([8, 2, undefined]);
  });

  test('without, the error names what was found, before images are read', async () => {
    putAll(folder, images('.', 5));
    const onProgress = vi.fn();
    await expect(load({ onProgress })).rejects.toThrow(
      'has no folders train and test, but those of its classes (blue, red): divide them, or hold images out',
    );
    expect(onProgress).not.toHaveBeenCalled();
  });

  test('all of them are the test set where nothing is trained', async () => {
    putAll(folder, images('.', 2));
    expect(await counts({ forTesting: true })).toEqual([4, 4, undefined]);
    expect(notices).toEqual([`${folder} has no folders train and test: all its 4 images are used`]);
  });
});

test('accents are the same however they are composed', async () => {
  putAll(folder, images('train', 2, ['blue', 'gr\u00fcn']));
  putAll(folder, images('test', 1, ['blue', 'gru\u0308n']));
  const { classes, test: tested } = await load();
  expect(classes).toEqual(['blue', 'gr\u00fcn']);
  expect([...tested.labels]).toEqual([0, 1]);
});

describe('numbered images with a table of labels', () => {
  const numbered = () => {
    for (let i = 1; i <= 6; i++) putAll(folder, { [`train/${i}.png`]: grey(i) });
  };

  test('as Kaggle has CIFAR-10; images to submit answers for are named as not used', async () => {
    numbered();
    putAll(folder, { 'test/1.png': grey(1) });
    putAll(folder, { 'trainLabels.csv': 'id,label\n1,frog\n2,cat\n3,cat\n4,"frog"\r\n6,cat\n' });
    const layout = await readFolderLayout(diskFolder(folder));
    expect(layout?.classes).toEqual(['cat', 'frog']);
    expect(layout?.files.train?.map(({ label }) => label)).toEqual([1, 0, 0, 1, 0]);
    expect(layout?.notices).toEqual([
      `not used in ${join(folder, 'train')}: 1 images without a label in trainLabels.csv`,
      `not used: ${join(folder, 'test')} (test), whose images have no labels`,
    ]);
    expect(await counts({ validation: 2 })).toEqual([3, 2, undefined]);
  });

  test.each([
    ['1,frog,3\n', 'there must be an image and its class'],
    ['1,frog\n1,cat\n', 'says that 1.png is "frog" and "cat"'],
    ['a,b\n', 'names none of the images'],
    ['1,frog\n2,frog\n', 'names fewer than two classes'],
  ])('a table of %j is an error', async (table, message) => {
    numbered();
    putAll(folder, { 'labels.csv': table });
    await expect(readFolderLayout(diskFolder(folder))).rejects.toThrow(message);
  });
});

describe('what other programs read', () => {
  test.each([
    ['train-00000-of-00001.parquet', 'PAR1', 'is a Parquet table'],
    ['train_32x32.mat', 'MATLAB 5.0 MAT-file', 'is a MATLAB file'],
    ['train-images-idx3-ubyte', '\0\0\x08\x03', 'is an IDX file'],
    ['cifar10.tfrecord', 'x', 'is a TFRecord file'],
    ['cifar.h5', '\x89HDF', 'is an HDF5 file'],
    ['x.npy', '\x93NUMPY', 'is a single array of numpy'],
    ['images.zip', 'PK\x03\x04', 'is a zip archive'],
  ])('%s is called what it is, as a file and in a folder', async (name, beginning, message) => {
    putAll(folder, { [name]: Buffer.from(beginning, 'latin1') });
    await expect(load()).rejects.toThrow(message);
    await expect(loadDataset(join(folder, name))).rejects.toThrow(message);
  });

  test('a folder of something else: what it has is said', async () => {
    putAll(folder, { 'a.txt': 'x', 'b/c.txt': 'x' });
    await expect(load()).rejects.toThrow('is not a data set (it has b/, a.txt): expected');
  });
});
