// A folder of images as a data set: decoded once, kept, and clear about what is wrong with it.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { IMAGE_BYTES, imageBytes } from '../../src/data/dataset.ts';
import { loadDataset } from '../../src/data/load.node.ts';
import type { LoadEvent } from '../../src/data/load-options.ts';
import { imageDecoder } from '../../src/data/node/decode-image.ts';
import { encodePng } from '../../src/formats/png.node.ts';
import { put, putAll, randomSplit, temporaryFolder } from './fixtures.ts';

const root = temporaryFolder();
const pictures = randomSplit(40);
const png = (index: number) =>
  encodePng({ width: 32, height: 32, pixels: imageBytes(pictures, index) });

let folder = '';
let folders = 0;
let notices: string[] = [];
let events: LoadEvent[] = [];
const listen = {
  onNotice: (line: string) => notices.push(line),
  onProgress: (event: LoadEvent) => events.push(event),
};
beforeEach(() => {
  folder = join(root, `pets-${folders++}`);
  notices = [];
  events = [];
  vi.stubEnv('TABLE6_DATA', join(root, `cache-${folders}`));
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** Three cats and two dogs to train on, one of each to test. */
function pets(): Record<string, Uint8Array> {
  return {
    'train/cat/1.png': png(0),
    'train/cat/2.png': png(1),
    'train/cat/3.png': png(2),
    'train/dog/1.png': png(3),
    'train/dog/more/2.png': png(4),
    'test/cat/1.png': png(5),
    'test/dog/1.png': png(6),
  };
}

describe('a good folder', () => {
  test('gives its images, its classes by name, and its own name as title', async () => {
    putAll(folder, pets());
    const data = await loadDataset(folder, listen);
    expect(data.title).toBe(`pets-${folders - 1}`);
    expect(data.isOriginalCifar10).toBe(false);
    expect(data.classes).toEqual(['cat', 'dog']);
    expect(Array.from(data.train.labels)).toEqual([0, 0, 0, 1, 1]);
    expect(Array.from(data.test.labels)).toEqual([0, 1]);
    for (let i = 0; i < 5; i++) expect(imageBytes(data.train, i)).toEqual(imageBytes(pictures, i));
    expect(notices).toEqual([]);
    expect(events.at(-1)).toEqual({ kind: 'decode', file: folder, done: 7, total: 7 });
  });

  test('is decoded once; the second time it comes from the cache', async () => {
    putAll(folder, pets());
    const first = await loadDataset(folder, listen);
    events = [];
    expect(await loadDataset(folder, listen)).toEqual(first);
    expect(events).toEqual([]);
  });

  test('is decoded again when a file is changed, added or removed', async () => {
    putAll(folder, pets());
    await loadDataset(folder);
    const decodesAgain = async () => {
      events = [];
      const data = await loadDataset(folder, listen);
      expect(events.length).toBeGreaterThan(0);
      return data;
    };
    put(join(folder, 'train/cat/1.png'), png(9));
    utimesSync(join(folder, 'train/cat/1.png'), 1e9, 1e9);
    expect(imageBytes((await decodesAgain()).train, 0)).toEqual(imageBytes(pictures, 9));
    put(join(folder, 'train/dog/9.png'), png(7));
    expect((await decodesAgain()).train.count).toBe(6);
    rmSync(join(folder, 'train/dog/9.png'));
    expect((await decodesAgain()).train.count).toBe(5);
    // One file per folder, not one per state.
    const cache = join(process.env.TABLE6_DATA as string, 'prepared');
    expect(readdirSync(cache)).toHaveLength(1);
  });

  test('a damaged cache file is not trusted', async () => {
    putAll(folder, pets());
    const first = await loadDataset(folder);
    const cache = join(process.env.TABLE6_DATA as string, 'prepared');
    const path = join(cache, readdirSync(cache)[0] as string);
    for (const damage of ['', 'T6IMAGE1', 'T6IMAGE1\xff\xff\xff\xff', 'something else entirely']) {
      writeFileSync(path, damage, 'latin1');
      expect(await loadDataset(folder)).toEqual(first);
    }
  });

  test('works without a cache that can be written, and says so', async () => {
    putAll(folder, pets());
    put(join(root, 'file'), '');
    vi.stubEnv('TABLE6_DATA', join(root, 'file', 'cache'));
    expect((await loadDataset(folder, listen)).train.count).toBe(5);
    expect(notices).toEqual([
      expect.stringMatching(
        /^the prepared images cannot be kept in .*: the images will be decoded again/,
      ),
    ]);
  });

  test('leaves other files aside', async () => {
    putAll(folder, { ...pets(), 'train/cat/readme.txt': 'x', 'train/cat/.DS_Store': 'x' });
    expect((await loadDataset(folder, listen)).train.count).toBe(5);
    expect(notices).toEqual([`ignored in ${folder}, being no images (PNG, JPEG, WebP ...): 1`]);
  });
});

describe('decoding', () => {
  /** A picture whose left half is red and right half blue. */
  const halves = (width: number, height: number) =>
    sharp(
      Buffer.from(
        Array.from({ length: width * height }, (_, i) =>
          i % width < width / 2 ? [255, 0, 0] : [0, 0, 255],
        ).flat(),
      ),
      { raw: { width, height, channels: 3 } },
    );
  const pixel = (bytes: Uint8Array, x: number, y: number) =>
    Array.from(bytes.subarray((y * 32 + x) * 3, (y * 32 + x) * 3 + 3));

  test.each(['png', 'jpeg', 'webp'] as const)('%s of any size becomes 32 × 32', async (format) => {
    const decode = await imageDecoder();
    const bytes = await decode(await halves(200, 90).toFormat(format).toBuffer());
    expect(bytes).toHaveLength(IMAGE_BYTES);
    const [left, right] = [pixel(bytes, 4, 16), pixel(bytes, 27, 16)];
    expect(left[0]).toBeGreaterThan(240);
    expect(left[2]).toBeLessThan(15);
    expect(right[0]).toBeLessThan(15);
    expect(right[2]).toBeGreaterThan(240);
  });

  test('grey, 16-bit and transparent pictures become red, green and blue', async () => {
    const decode = await imageDecoder();
    const grey = await halves(32, 32).greyscale().png().toBuffer();
    const [r, g, b] = pixel(await decode(grey), 4, 4);
    expect([g, b]).toEqual([r, r]);
    const deep = await halves(32, 32).toColourspace('rgb16').png().toBuffer();
    expect(pixel(await decode(deep), 4, 4)).toEqual([255, 0, 0]);
    const clear = await halves(32, 32).ensureAlpha(0).png().toBuffer();
    expect(pixel(await decode(clear), 4, 4)).toEqual([255, 255, 255]);
  });

  test("a camera's orientation is obeyed", async () => {
    const decode = await imageDecoder();
    const upsideDown = await halves(64, 64).withMetadata({ orientation: 3 }).jpeg().toBuffer();
    expect(pixel(await decode(upsideDown), 4, 16)[2]).toBeGreaterThan(240);
  });
});

describe('an image that cannot be read', () => {
  const broken = (): Record<string, Uint8Array> => ({
    ...pets(),
    'train/cat/2.png': png(1).subarray(0, 1000),
  });

  test('is named and skipped, every time', async () => {
    putAll(folder, broken());
    for (const _ of ['decoded', 'from the cache']) {
      notices = [];
      const data = await loadDataset(folder, listen);
      expect(data.train.count).toBe(4);
      expect(Array.from(data.train.labels)).toEqual([0, 0, 1, 1]);
      expect(imageBytes(data.train, 1)).toEqual(imageBytes(pictures, 2));
      expect(data.train.names).toHaveLength(4);
      expect(data.train.names?.slice(0, 2)).toEqual(['train/cat/1.png', 'train/cat/3.png']);
      expect(notices).toEqual([
        expect.stringMatching(
          `^skipped ${folder}/train/cat/2.png: it cannot be read as an image \\(.+\\)$`,
        ),
      ]);
    }
  });

  test('stops a strict run, also when the cache knows it', async () => {
    putAll(folder, broken());
    const message = new RegExp(
      `${folder}/train/cat/2.png cannot be read as an image \\(.+\\): repair or remove it, or ` +
        'allow images to be skipped$',
    );
    await expect(loadDataset(folder, { strict: true })).rejects.toThrow(message);
    await loadDataset(folder);
    await expect(loadDataset(folder, { strict: true })).rejects.toThrow(message);
  });

  test('a class of which none can be read is an error', async () => {
    putAll(folder, {
      ...pets(),
      'train/dog/1.png': Buffer.from('x'),
      'train/dog/more/2.png': Buffer.from('y'),
    });
    await expect(loadDataset(folder)).rejects.toThrow(
      `class 'dog' in ${folder}/train has no readable image`,
    );
  });
});

describe('a structure that cannot be trained on', () => {
  test('a class with one image: a notice, or an error when strict', async () => {
    putAll(folder, { ...pets(), 'train/emu/1.png': png(8), 'test/emu/1.png': png(9) });
    await loadDataset(folder, listen);
    const message = `class 'emu' in ${folder}/train has a single image: a network can only memorise it`;
    expect(notices).toEqual([expect.stringContaining(message)]);
    await expect(loadDataset(folder, { strict: true })).rejects.toThrow(message);
    await expect(loadDataset(folder, { validation: 2 })).rejects.toThrow(
      "class 'emu' has a single training image, which cannot be both trained on and held out",
    );
  });

  test('an empty class folder', async () => {
    putAll(folder, pets());
    mkdirSync(join(folder, 'train/emu'));
    await expect(loadDataset(folder)).rejects.toThrow(
      `class folder ${folder}/train/emu holds no images (PNG, JPEG or WebP): add some, or remove`,
    );
  });

  test('no classes, or only one', async () => {
    putAll(folder, { 'train/1.png': png(0) });
    await expect(loadDataset(folder)).rejects.toThrow(`${folder}/train holds no class folders`);
    putAll(folder, { 'train/cat/1.png': png(0) });
    await expect(loadDataset(folder)).rejects.toThrow(`${folder}/train holds only one class`);
  });

  test('classes in test that training does not have', async () => {
    putAll(folder, { ...pets(), 'test/emu/1.png': png(8) });
    await expect(loadDataset(folder)).rejects.toThrow(
      `${folder}/test has classes that ${folder}/train does not have: emu`,
    );
  });

  test('a class without test images is only a notice', async () => {
    const { 'test/dog/1.png': _, ...files } = pets();
    putAll(folder, files);
    expect((await loadDataset(folder, listen)).test.count).toBe(1);
    expect(notices).toEqual(['no test images of dog: the test error says nothing of them']);
  });

  test('an empty test folder', async () => {
    putAll(folder, pets());
    rmSync(join(folder, 'test'), { recursive: true });
    mkdirSync(join(folder, 'test'));
    await expect(loadDataset(folder)).rejects.toThrow(`${folder}/test holds no readable images`);
  });
});

describe('without a test folder', () => {
  const files = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [`train/${i % 2 ? 'dog' : 'cat'}/${i}.png`, png(i)]),
  );

  test('a validation split is needed', async () => {
    putAll(folder, files);
    await expect(loadDataset(folder)).rejects.toThrow(
      `${folder} has no test folder: add one, or hold images out for validation (a number of ` +
        'them, or a fraction)',
    );
  });

  test('the held-out images are the test set', async () => {
    putAll(folder, files);
    const data = await loadDataset(folder, { ...listen, validation: 0.2 });
    expect([data.train.count, data.test.count]).toEqual([16, 4]);
    expect(data.validation).toBeUndefined();
    expect(notices).toEqual([
      `${folder} has no test folder: the 4 held-out images are its test set`,
    ]);
  });
});

test('the JPEG copy of all CIFAR-10 is recognised, so that it cannot pass for the benchmark', async () => {
  const { CIFAR10_CLASSES } = await import('../../src/data/cifar.ts');
  const { imageFolderTitle } = await import('../../src/data/image-folder.ts');
  const files = (perClass: number, extension: string) =>
    CIFAR10_CLASSES.flatMap((name, label) =>
      Array.from({ length: perClass }, (_, i) => ({ path: `${name}/${i}.${extension}`, label })),
    );
  const title = (train: number, testCount: number, extension: string) =>
    imageFolderTitle('/data/mine', {
      classes: CIFAR10_CLASSES,
      files: { train: files(train, extension), test: files(testCount, extension) },
    });
  expect(title(5000, 1000, 'jpg')).toBe('CIFAR-10 (JPEG q75)');
  expect(title(5000, 1000, 'png')).toBe('mine');
  expect(title(4999, 1000, 'jpg')).toBe('mine');
  expect(title(5000, 10, 'jpg')).toBe('mine');
});

describe('a file that is called a picture', () => {
  test('is not decoded as the SVG that it is, which reads its neighbours', async () => {
    const decode = await imageDecoder();
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"/>';
    await expect(decode(Buffer.from(svg))).rejects.toThrow('it is in no format of pictures');
  });

  test('is not waited for when it is a pipe', async () => {
    const decode = await imageDecoder();
    const pipe = join(root, 'pipe.png');
    execFileSync('mkfifo', [pipe]);
    await expect(decode(pipe)).rejects.toThrow('it is no regular file');
    await expect(loadDataset(pipe)).rejects.toThrow('neither a folder nor a regular file');
  });
});
