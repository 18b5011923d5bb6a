// Images that come into a tab: dropped archives, folders and pictures, kept over a reload; and what is
// said of those that are damaged or hostile.

import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { augmentImage } from '../../../src/data/augment.ts';
import { augmentationOf } from '../../../src/data/batches.ts';
import { IMAGE_BYTES, imageBytes } from '../../../src/data/dataset.ts';
import { makeSynthetic } from '../../../src/data/synthetic.ts';
import { packFolder } from '../../../src/formats/zip-folder.ts';
import { randomSplit, tarOf, tinyCifar10 } from '../../data/fixtures.ts';
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
      ...augmentImage(imageBytes(train, index), augmentationOf(7, 5, index)),
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
        'Left out, because they cannot be read as images: photos/red/broken.png.',
        '2 of 10 pictures are held out to test with.',
      ],
    });
    const pixel = await tab.run<number[]>(
      `return [...(await client.ask('images', { data: 'photos.zip', split: 'train', label: 1, count: 1 })).rgba.slice(0, 4)];`,
    );
    expect(pixel).toEqual([255, 0, 0, 255]);
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
      async () => await tarOf({ 'cat/1.png': (await picture('red')) as never }),
      'only one class',
    ],
  ])('%s is refused with a sentence', async (name, content, sentence) => {
    const { message } = await refusal(await serve(name, await content()));
    expect(message).toContain(sentence);
  });

  it('left no error in the console', () => {
    expect(tab.errors).toEqual([]);
  });
});
