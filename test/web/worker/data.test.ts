// Images that come into a tab: dropped archives, folders and pictures, kept over a reload; and what is
// said of those that are damaged or hostile.

import path from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { augmentImage } from '../../../src/data/augment.ts';
import { augmentationOf } from '../../../src/data/batches.ts';
import { IMAGE_BYTES, imageBytes } from '../../../src/data/dataset.ts';
import { loadDataset } from '../../../src/data/load.node.ts';
import { makeSynthetic } from '../../../src/data/synthetic.ts';
import { packFolder } from '../../../src/formats/zip-folder.ts';
import { writeZip } from '../../../src/formats/zip-writer.ts';
import { datasetFingerprint } from '../../../src/runs/fingerprint.ts';
import {
  numpyArrays,
  putAll,
  randomSplit,
  tarOf,
  temporaryFolder,
  tinyCifar10,
} from '../../data/fixtures.ts';
import { findChromium } from '../../support/chromium.ts';
import { openBrowser, type Tab, type TabBrowser } from './tab.ts';

const chromium = findChromium();

const inside = <T>(folder: string, files: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(files).map(([name, file]) => [`${folder}/${name}`, file]));

/** Loads one dropped file, served at an address. */
const LOAD = `const load = async ([path, address]) =>
  await client.ask('loadData', { source: { from: 'files', files: [{ path, file: await blobOf(address) }] } });`;

const picture = async (colour: string, type: 'png' | 'jpeg' = 'png') =>
  sharp({ create: { width: 40, height: 50, channels: 3, background: colour } })
    .toFormat(type)
    .toBuffer();

describe.skipIf(!chromium)('images in a tab', () => {
  let browser: TabBrowser;
  let tab: Tab;
  beforeAll(async () => {
    browser = await openBrowser(chromium!, { isolated: false });
    tab = await browser.open();
  });
  afterAll(() => browser[Symbol.asyncDispose]());

  const serve = async (name: string, bytes: Uint8Array): Promise<[string, string]> => [
    name,
    await tab.serve({ name, bytes }),
  ];
  const load = <T = object>(file: [string, string]) =>
    tab.run<T>(`${LOAD} return await load(argument);`, file);
  const refusal = (file: [string, string]) =>
    tab.run<{ message: string }>(`${LOAD} return await refusal(load(argument));`, file);

  it('synthetic ones are there at once, moved as training moves them', async () => {
    const data = 'synthetic:train=40,test=20';
    const seen = await tab.run<{
      indices: number[];
      labels: number[];
      total: number;
      rgba: number[];
    }>(
      `await client.ask('loadData', { source: { from: 'synthetic', train: 40, test: 20 } });
      const { rgba, ...images } = await client.ask('images', {
        data: '${data}', split: 'train', label: 3, from: 1, count: 2, moved: { seed: 7, epoch: 5 },
      });
      return { ...images, rgba: [...rgba] };`,
    );
    const { train } = makeSynthetic(data);
    const ofClass = [...train.labels.keys()].filter((i) => train.labels[i] === 3);
    expect(seen).toMatchObject({
      indices: ofClass.slice(1, 3),
      labels: [3, 3],
      total: ofClass.length,
    });
    const moved = seen.indices.flatMap((index) => [
      ...augmentImage(imageBytes(train, index), augmentationOf({ seed: 7, epoch: 5 }, index)),
    ]);
    expect(seen.rgba.filter((_, i) => i % 4 !== 3)).toEqual(moved);
    expect(seen.rgba.filter((_, i) => i % 4 === 3).every((opacity) => opacity === 255)).toBe(true);
  });

  it.each([
    [
      'cifar.tar.gz',
      async () => gzipSync(await tarOf(inside('cifar-10-batches-bin', tinyCifar10()))),
    ],
    ['cifar.tar', async () => await tarOf(tinyCifar10())],
    [
      'cifar.zip',
      async () => await packFolder(new Map(Object.entries(inside('a/b', tinyCifar10())))),
    ],
  ])('CIFAR from %s says what it is, and is there after a reload', async (name, make) => {
    const facts = await load(await serve(name, await make()));
    expect(facts).toMatchObject({
      data: name,
      title: 'CIFAR-10 (subset: 50 + 10 images)',
      isOriginalCifar10: false,
      train: new Array(10).fill(5),
      test: new Array(10).fill(1),
      isKept: true,
    });
    await tab.reload();
    const kept = await tab.run<{ data: string }[]>(`return await client.ask('keptData');`);
    expect(kept.find(({ data }) => data === name)).toMatchObject({ test: new Array(10).fill(1) });
    const first = await tab.run<number[]>(
      `return [...(await client.ask('images', { data: argument, split: 'test', indices: [4] })).rgba];`,
      name,
    );
    expect(first.filter((_, i) => i % 4 !== 3)).toEqual([...imageBytes(randomSplit(10, 10, 6), 4)]);
    await tab.run(`await client.ask('forgetData', { data: argument });`, name);
    const refused = `return await refusal(client.ask('images', { data: argument, split: 'test' }));`;
    expect(await tab.run(refused, name)).toMatchObject({
      code: 'data-missing',
      facts: { data: name },
    });
  });

  it('CIFAR from its files, one by one', async () => {
    const files = await Promise.all(
      Object.entries(tinyCifar10()).map(([name, bytes]) => serve(name, bytes)),
    );
    const facts = await tab.run(
      `const files = await Promise.all(argument.map(async ([name, address]) => ({ path: 'mine/' + name, file: await blobOf(address) })));
      return await client.ask('loadData', { source: { from: 'files', files } });`,
      files,
    );
    expect(facts).toMatchObject({ data: 'mine', title: 'CIFAR-10 (subset: 50 + 10 images)' });
  });

  it('a folder of pictures, a fifth of which is held out, and unreadable ones are named', async () => {
    const files: Record<string, Uint8Array> = { 'notes.txt': Buffer.from('no picture') };
    for (let i = 0; i < 5; i++) {
      files[`photos/red/${i}.png`] = await picture('red');
      files[`photos/blue/deep/${i}.jpg`] = await picture('blue', 'jpeg');
    }
    files['photos/red/broken.png'] = Buffer.from('not a picture');
    const facts = await load(
      await serve('photos.zip', await packFolder(new Map(Object.entries(files)))),
    );
    expect(facts).toMatchObject({
      title: 'photos.zip',
      classes: ['blue', 'red'],
      train: [4, 4],
      test: [1, 1],
      notices: [
        'skipped photos.zip/photos/red/broken.png: it cannot be read as an image (it is in no format of pictures)',
        '2 of 10 images are held out to test with.',
      ],
    });
    const pixel = await tab.run<number[]>(
      `return [...(await client.ask('images', { data: 'photos.zip', split: 'train', label: 1, count: 1 })).rgba.slice(0, 4)];`,
    );
    expect(pixel).toEqual([255, 0, 0, 255]);
  });

  describe('a folder is what it is to `--data` on Node.js', () => {
    const root = temporaryFolder();
    /** Colours that change from pixel to pixel, so that squeezing them otherwise would show. */
    const photo = (width: number, height: number, seed: number) => {
      const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
        const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
        return 127 + 90 * Math.sin(x / 5 + seed + (i % 3)) + 30 * Math.cos(y / (3 + seed));
      });
      return sharp(pixels, { raw: { width, height, channels: 3 } });
    };
    const LAYOUTS: Record<string, () => Promise<Record<string, Uint8Array>>> = {
      'train, val and test, of any shape and format': async () => ({
        'train/grün/1.png': await photo(64, 48, 1).png().toBuffer(),
        'train/grün/2.jpg': await photo(301, 77, 2).jpeg({ quality: 80 }).toBuffer(),
        'train/rot/1.webp': await photo(40, 90, 3).webp().toBuffer(),
        'train/rot/deep/2.JPG': await photo(33, 32, 4)
          .jpeg()
          .withMetadata({ orientation: 6 })
          .toBuffer(),
        'train/rot/small.gif': await photo(9, 20, 5).gif().toBuffer(),
        'train/rot/broken.png': Buffer.from('no picture'),
        'train/rot/notes.txt': Buffer.from('no picture'),
        'train/.hidden/x.png': await photo(32, 32, 6).png().toBuffer(),
        'Valid/gru\u0308n/1.png': await photo(32, 32, 7).png().toBuffer(),
        'test/grün/1.png': await photo(32, 32, 8).png().toBuffer(),
        'test/rot/1.jpeg': await photo(128, 96, 9).jpeg({ progressive: true }).toBuffer(),
        'unused/rot/1.png': await photo(32, 32, 1).png().toBuffer(),
      }),
      'Kaggle’s, in a folder of its own': async () => ({
        'cifar/train/1.png': await photo(32, 32, 1).png().toBuffer(),
        'cifar/train/2.png': await photo(50, 32, 2).png().toBuffer(),
        'cifar/train/3.png': await photo(32, 50, 3).png().toBuffer(),
        'cifar/train/4.png': await photo(32, 32, 4).png().toBuffer(),
        'cifar/trainLabels.csv': Buffer.from('id,label\n1,frog\n2,cat\n3,cat\n4,frog\n'),
      }),
      'classes alone': async () => {
        const files: Record<string, Uint8Array> = {};
        for (let i = 0; i < 12; i++) {
          files[`${i % 2 ? 'a' : 'b'}/${i}.png`] = await photo(30 + i, 40, i)
            .png()
            .toBuffer();
        }
        return files;
      },
    };

    it.each(Object.keys(LAYOUTS))('%s', async (name) => {
      const files = await LAYOUTS[name]!();
      const folder = path.join(root, name.replaceAll(/\W+/g, '-'));
      putAll(folder, files);
      vi.stubEnv('TABLE6_DATA', path.join(root, 'cache'));
      const hasTest = Object.keys(files).some((file) => file.startsWith('test/'));
      // What a page holds out by itself, Node.js is asked to.
      const notices: string[] = [];
      const options = hasTest ? {} : { validation: name.startsWith('Kaggle') ? 2 : 0.2, seed: 0 };
      const expected = await loadDataset(folder, {
        ...options,
        onNotice: (line) => notices.push(line.replaceAll(folder, 'mine')),
      });
      const served = await Promise.all(
        Object.entries(files).map(async ([file, bytes], i) => {
          const [, address] = await serve(`${i}`, bytes);
          return [`mine/${file}`, address];
        }),
      );
      const { facts, fingerprint } = await tab.run<{
        facts: { classes: string[]; notices: string[] };
        fingerprint: string;
      }>(
        `const files = await Promise.all(argument.map(async ([path, address]) => ({ path, file: await blobOf(address) })));
        const facts = await client.ask('loadData', { source: { from: 'files', files } });
        const { runs: [run] } = await client.ask('start', {
          runs: [{ arch: 'resnet8', recipe: 'quick', overrides: { epochs: 1, batchSize: 4, device: 'cpu' } }], data: facts.data,
        });
        await stopped(run);
        const { environment } = await client.ask('readRun', { run });
        return { facts, fingerprint: environment.sessions[0].data.fingerprint };`,
        served,
      );
      expect(facts.classes).toEqual(expected.classes);
      expect(fingerprint).toBe(await datasetFingerprint(expected));
      const isOfLayout = (line: string) => !/held.out/.test(line);
      expect(facts.notices.filter(isOfLayout)).toEqual(notices.filter(isOfLayout));
      if (hasTest) expect(notices).toHaveLength(4);
    });
  });

  it('arrays of numpy are read as Node.js reads them', async () => {
    const arrays = numpyArrays(randomSplit(6, 3, 1), randomSplit(3, 3, 2));
    const facts = await load(await serve('mine.npz', writeZip(new Map(Object.entries(arrays)))));
    expect(facts).toMatchObject({
      title: 'mine',
      classes: ['class 0', 'class 1', 'class 2'],
      train: [2, 2, 2],
      test: [1, 1, 1],
    });
    const image = await tab.run<number[]>(
      `return [...(await client.ask('images', { data: 'mine.npz', split: 'test', indices: [2] })).rgba];`,
    );
    expect(image.filter((_, i) => i % 4 !== 3)).toEqual([...imageBytes(randomSplit(3, 3, 2), 2)]);
  });

  it('a folder with train and test keeps them apart', async () => {
    const files: Record<string, Uint8Array> = {};
    for (const label of ['cat', 'dog']) {
      files[`train/${label}/1.png`] = await picture('red');
      files[`train/${label}/2.png`] = await picture('green');
      files[`test/${label}/1.png`] = await picture('blue');
    }
    expect(await load(await serve('split.tar', await tarOf(files)))).toMatchObject({
      classes: ['cat', 'dog'],
      train: [2, 2],
      test: [1, 1],
      notices: [],
    });
  });

  it('pictures added class by class', async () => {
    const [, red] = await serve('red.png', await picture('red'));
    const [, blue] = await serve('blue.png', await picture('blue'));
    const facts = await tab.run(
      `const [red, blue] = await Promise.all(argument.map(blobOf));
      return await client.ask('loadData', { source: { from: 'pictures', name: 'mine', classes: [
        { name: 'warm', pictures: [red, red, red] }, { name: 'cold', pictures: [blue, blue] },
      ] } });`,
      [red, blue],
    );
    expect(facts).toMatchObject({
      data: 'mine',
      classes: ['cold', 'warm'],
      train: [1, 2],
      test: [1, 1],
    });
  });

  it('a picture lies upright, by its orientation', async () => {
    const halves = await sharp({
      create: { width: 64, height: 64, channels: 3, background: 'red' },
    })
      .composite([
        {
          input: { create: { width: 32, height: 64, channels: 3, background: 'blue' } },
          left: 32,
          top: 0,
        },
      ])
      .withMetadata({ orientation: 6 }) // to be turned clockwise: what is left comes to the top
      .jpeg({ quality: 100 })
      .toBuffer();
    const [, address] = await serve('turned.jpg', halves);
    const pixels = await tab.run<number[]>(
      `return [...(await client.ask('readPicture', { picture: await blobOf(argument) })).pixels];`,
      address,
    );
    expect(pixels).toHaveLength(IMAGE_BYTES);
    const at = (row: number, column: number) => pixels.slice((row * 32 + column) * 3).slice(0, 3);
    for (const column of [4, 27]) {
      expect(at(4, column)[0]).toBeGreaterThan(240);
      expect(at(27, column)[2]).toBeGreaterThan(240);
    }
  });

  it.each<[name: string, content: () => Promise<Uint8Array> | Uint8Array, sentence: string]>([
    ['page.tar.gz', () => Buffer.from('<!DOCTYPE html>log in'), 'page.tar.gz is a web page (HTML)'],
    ['empty.tar.gz', () => Buffer.alloc(0), 'empty.tar.gz is empty'],
    [
      'cut.tar.gz',
      async () => gzipSync(await tarOf(tinyCifar10())).subarray(0, 30_000),
      'cut.tar.gz is damaged or incomplete',
    ],
    [
      'cut.zip',
      async () => (await packFolder(new Map(Object.entries(tinyCifar10())))).subarray(0, 9000),
      'cut.zip: ',
    ],
    ['no-data.tar', async () => await tarOf({ 'a.txt': 'x' }), 'no-data.tar is no data set'],
    ['data_batch_1.bin', () => tinyCifar10()['data_batch_1.bin']!, 'data_batch_2.bin is missing'],
    [
      'label.tar',
      async () => {
        const files = tinyCifar10();
        files['data_batch_3.bin']![0] = 77;
        return await tarOf(files);
      },
      'label.tar/data_batch_3.bin is damaged: image 0 has label 77',
    ],
    [
      'pickle.tar',
      async () => await tarOf({ data_batch_1: "cposix\nsystem\n(S'touch /tmp/was-here'\ntR." }),
      'the file asks to run posix.system, which is not allowed',
    ],
    [
      'huge.tar',
      async () => {
        const tar = await tarOf({ data_batch_1: 'x' });
        tar.write('77777777777\0', 124, 'latin1'); // 8 GiB, with its header's checksum
        tar.fill(' ', 148, 156);
        const sum = tar.subarray(0, 512).reduce((a, b) => a + b, 0);
        tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
        return tar;
      },
      "huge.tar is not a data set's archive",
    ],
    [
      'one-class.tar',
      async () => await tarOf({ 'train/cat/1.png': (await picture('red')) as never }),
      'only one class',
    ],
    ['table.parquet', () => Buffer.from('PAR1 and more'), 'a Parquet table, as Hugging Face packs'],
    [
      'tables.zip',
      async () => await packFolder(new Map([['data/train.parquet', Buffer.from('PAR1')]])),
      'data/train.parquet is a Parquet table',
    ],
  ])('%s is refused with a sentence', async (name, content, sentence) => {
    const { message } = await refusal(await serve(name, await content()));
    expect(message).toContain(sentence);
  });

  it('left no error in the console', () => {
    expect(tab.errors).toEqual([]);
  });
});
