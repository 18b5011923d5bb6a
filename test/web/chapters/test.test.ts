// Chapter 5 in a browser: networks that come with the page and from files, their errors and mistakes, a
// picture of the reader's own, and the way out to other programs.

import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { IMAGENET_NORMALIZATION } from '../../../src/data/normalization.ts';
import {
  fromNamedTensors,
  writeSafetensors,
} from '../../../src/interop/safetensors/safetensors.ts';
import { readWeights } from '../../../src/interop/weights.ts';
import { initializeWeights } from '../../../src/nn/initialize.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import { exportModel } from '../../../src/runs/export.ts';
import { findChromium } from '../../support/chromium.ts';
import { sharedFile, sharedPublished } from '../../support/shared.ts';
import { hostPage, violations } from '../host.ts';
import { openWatched } from '../site.ts';

const chromium = findChromium();
const published = sharedPublished('resnet20-12fca82f');
const sample = sharedFile('data/cifar10-sample/cifar-10-batches-bin');

/** A small network with weights that nobody trained. */
function weightsFile(classes: readonly string[], { broken = false } = {}) {
  const network = createNetwork('resnet8', { classes: classes.length });
  const weights = initializeWeights(network, 1);
  if (broken) weights.get('conv1.weight')!.data.fill(Number.NaN);
  const known = { network, weights, classes, normalization: IMAGENET_NORMALIZATION };
  const plain = {
    title: 'test',
    format: 'safetensors',
    metadata: {},
    saysNormalization: true,
    notices: [],
  } as const;
  const { bytes } = exportModel({ ...plain, ...known }, 'safetensors');
  return { name: 'small.safetensors', mimeType: '', buffer: Buffer.from(bytes) };
}

const TEN = [
  'circle',
  'square',
  'triangle',
  'star',
  'ring',
  'cross',
  'crescent',
  'arrow',
  'heart',
  'bars',
];

describe.skipIf(!chromium)('the chapter of tests', () => {
  const host = hostPage(chromium);

  const open = async (query = '?way=file') => {
    const watched = await openWatched(host.browser, { viewport: { width: 1100, height: 900 } });
    await watched.page.goto(`${host.url}#/test${query}`);
    await watched.page.getByRole('heading', { name: 'Choose a network' }).waitFor();
    return watched;
  };
  type Given = Parameters<ReturnType<Page['locator']>['setInputFiles']>[0];
  const give = async (page: Page, zone: 'Weights' | 'A picture', file: Given) =>
    page.getByRole('region', { name: zone }).getByLabel('Choose a file').setInputFiles(file);
  const evaluate = async (page: Page, count: string) => {
    await page.getByRole('button', { name: `Test on ${count} images` }).click();
    await page.getByRole('heading', { name: 'Which is taken for which' }).waitFor();
  };

  it('tests a network on all images; each number of the confusions opens its images', async () => {
    await using watched = await open();
    const { page } = watched;
    await give(page, 'Weights', weightsFile(TEN));
    await evaluate(page, '500');
    const wrong = Number(
      (await page.getByText('of 500 images wrong').textContent())?.match(/\d+/)?.[0],
    );
    const cells = page.locator('td button');
    const counts = (await cells.allTextContents()).map((text) => Number(text.replace('·', '0')));
    expect(counts).toHaveLength(100);
    const right = counts.reduce((sum, count, i) => sum + (i % 11 === 0 ? count : 0), 0);
    expect(counts.reduce((a, b) => a + b)).toBe(500);
    expect(wrong).toBe(500 - right);

    const most = counts.indexOf(Math.max(...counts.map((count, i) => (i % 11 === 0 ? 0 : count))));
    await cells.first().focus();
    for (let i = 0; i < Math.floor(most / 10); i++) await page.keyboard.press('ArrowDown');
    for (let i = 0; i < most % 10; i++) await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog
      .getByText(`${TEN[Math.floor(most / 10)]}, taken for ${TEN[most % 10]}`)
      .first()
      .waitFor();
    expect(await dialog.getByRole('option').count()).toBe(Math.min(60, counts[most]!));
    await dialog.getByRole('listbox').focus();
    await page.keyboard.press('ArrowRight');
    expect(await dialog.locator('li').first().textContent()).toContain(TEN[most % 10]);
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    expect(await page.getByRole('heading', { name: 'Its worst mistakes' }).isVisible()).toBe(true);
    expect(await violations(page)).toEqual([]);
    expect(watched.complaints).toEqual([]);
  });

  it('shows what it sees of a picture and what it says, in the network’s own classes', async () => {
    await using watched = await open();
    const { page } = watched;
    await give(page, 'Weights', weightsFile(['cup', 'plant', 'shoe']));
    const colour = { r: 200, g: 10, b: 10 };
    const buffer = await sharp({
      create: { width: 90, height: 90, channels: 3, background: colour },
    })
      .png()
      .toBuffer();
    await give(page, 'A picture', { name: 'mine.png', mimeType: 'image/png', buffer });
    const bars = page.getByRole('status', { name: 'What the network says' }).locator('li');
    await bars.nth(2).waitFor();
    const said = await bars.allTextContents();
    expect(said.map((text) => text.match(/cup|plant|shoe/)?.[0]).sort()).toEqual([
      'cup',
      'plant',
      'shoe',
    ]);
    const shares = said.map((text) => Number(text.match(/([\d.]+) %/)?.[1]));
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
    expect(shares.reduce((a, b) => a + b)).toBeCloseTo(100, 0);
    const pixel = await page
      .getByRole('img', { name: 'What the network sees of mine.png' })
      .evaluate((canvas: HTMLCanvasElement) => [
        ...canvas.getContext('2d')!.getImageData(16, 16, 1, 1).data,
      ]);
    expect(pixel).toEqual([200, 10, 10, 255]);
    await page.getByText('This network knows other classes than these images have.').waitFor();

    await give(page, 'A picture', {
      name: 'x.png',
      mimeType: 'image/png',
      buffer: Buffer.from('x'),
    });
    expect(await page.getByRole('alert').textContent()).toContain('cannot be read as an image');
    expect(watched.complaints).toEqual([]);
  });

  it('lets a shape be drawn for a network that knows shapes, and fills what was drawn around', async () => {
    await using watched = await open();
    const { page } = watched;
    await give(page, 'Weights', weightsFile(TEN));
    await page.getByRole('button', { name: 'Draw a shape' }).click();
    const show = page.getByRole('button', { name: 'Show it to the network' });
    expect(await show.isDisabled()).toBe(true);
    const { x, y, width } = (await page.getByLabel('What you have drawn').boundingBox())!;
    const at = (across: number, down: number) => [x + across * width, y + down * width] as const;
    await page.mouse.move(...at(0.5, 0.2));
    await page.mouse.down();
    for (const corner of [at(0.8, 0.8), at(0.2, 0.8), at(0.5, 0.2)]) {
      await page.mouse.move(...corner, { steps: 5 });
    }
    await page.mouse.up();
    expect(await violations(page)).toEqual([]);
    await show.click();
    const seen = page.getByRole('img', { name: 'What the network sees of drawing.png' });
    const bytes = await seen.evaluate((canvas: HTMLCanvasElement) => [
      ...canvas.getContext('2d')!.getImageData(0, 0, 32, 32).data,
    ]);
    const pixels = [20 * 32 + 16, 33].map((at) => bytes.slice(4 * at, 4 * at + 4));
    expect(pixels).toEqual([
      [0xc8, 0x20, 0x2e, 255],
      [0xe6, 0xe0, 0xcf, 255],
    ]);
    const said = page.getByRole('status', { name: 'What the network says' });
    await said.locator('li').nth(9).waitFor();
    expect(watched.complaints).toEqual([]);
  });

  it('says of broken weights that they are', async () => {
    await using watched = await open();
    const { page } = watched;
    await give(page, 'Weights', weightsFile(TEN, { broken: true }));
    await page.getByRole('button', { name: 'Take any test image' }).click();
    await page.getByText('answers are no numbers').waitFor();
    await page.getByRole('button', { name: 'Test on 500 images' }).click();
    await page.getByText('answers are no numbers').nth(1).waitFor();
    await give(page, 'Weights', {
      name: 'page.th',
      mimeType: '',
      buffer: Buffer.from('<!doctype html>'),
    });
    await page.getByText('page.th is a web page').waitFor();
  });

  it('shows what was assumed of weights, and takes what the reader says instead', async () => {
    await using watched = await open();
    const { page } = watched;
    const network = createNetwork('resnet8', { classes: 10 });
    const tensors = ['ema', 'student'].flatMap((place, seed) =>
      [...initializeWeights(network, seed + 1)].map(
        ([name, tensor]) => [`${place}.${name.replace('linear', 'fc')}`, tensor] as const,
      ),
    );
    const buffer = Buffer.from(writeSafetensors(fromNamedTensors(new Map(tensors))));
    await give(page, 'Weights', { name: 'two.safetensors', mimeType: '', buffer });
    await page.getByText('holds 2 networks, ema and student').waitFor();
    await page.getByRole('button', { name: 'Take student' }).click();
    await page.getByText('The weights do not say their normalisation').waitFor();
    await page.getByText('The weights do not say where the zeros').waitFor();
    expect(await violations(page)).toEqual([]);
    const loss = async () => {
      await evaluate(page, '500');
      return await page.locator('dl dd').nth(4).textContent();
    };
    const assumed = await loss();
    const again = page.getByRole('button', { name: 'Load it again like that' });
    const normalization = page.getByLabel('Normalization');
    await normalization.fill('2/3');
    await page.getByText('Must have means from 0 to 1').waitFor();
    expect(await again.isDisabled()).toBe(true);
    await normalization.fill('0.3,0.3,0.3/0.1,0.1,0.1');
    await page.getByLabel('Shortcut').selectOption('A-end');
    await again.click();
    await page.getByText('with shortcut A-end').waitFor();
    await expect.poll(() => page.getByText('As you said.').count()).toBe(3);
    expect(await loss()).not.toBe(assumed);
    await page.getByLabel('Shortcut').selectOption('');
    await normalization.fill('');
    await again.click();
    await page.getByText('with shortcut A,').waitFor();
    expect(await loss()).toBe(assumed);
    await page.getByLabel('Network in the file').selectOption('ema');
    await again.click();
    // An evaluation each time: longer than a poll waits where nobody says otherwise.
    await expect.poll(loss, { timeout: 30_000 }).not.toBe(assumed);
    expect(watched.complaints).toEqual([]);
  });

  it('loads a network that comes with the page, when it is asked for', async () => {
    await using watched = await openWatched(host.browser);
    const { page } = watched;
    const asked: string[] = [];
    const { buffer } = weightsFile(TEN);
    await page.route('**/models/*', (route) => {
      const file = new URL(route.request().url()).pathname.split('/').at(-1)!;
      asked.push(file);
      const models = [{ file: 'small.safetensors', title: 'A small one', note: 'for tests' }];
      return route.fulfill(file.endsWith('.json') ? { json: { models } } : { body: buffer });
    });
    await page.goto(`${host.url}#/test`);
    await page.getByText('It comes with this page').click();
    await page.getByText('A small one', { exact: true }).waitFor();
    expect(asked).toEqual(['models.json']);
    await page.getByRole('button', { name: 'Load it' }).click();
    await page.getByText('Loaded:').waitFor();
    expect(asked).toEqual(['models.json', 'small.safetensors']);
  });

  it('gives the network to other programs, with the weights that came in', async () => {
    await using watched = await open();
    const { page } = watched;
    const given = weightsFile(TEN);
    await give(page, 'Weights', given);
    const before = readWeights(given.buffer).tensors.get('conv1.weight');
    for (const [button, name] of [
      ['safetensors', 'resnet8.safetensors'],
      ['PyTorch (.pth)', 'resnet8.pth'],
      ['ONNX', 'resnet8.onnx'],
    ] as const) {
      const saved = page.waitForEvent('download');
      await page.getByRole('button', { name: button }).click();
      const download = await saved;
      expect(download.suggestedFilename()).toBe(name);
      const bytes = readFileSync(await download.path());
      if (name.endsWith('.onnx')) expect(bytes.length).toBeGreaterThan(300_000);
      else expect(readWeights(bytes).tensors.get('conv1.weight')).toEqual(before);
    }
    expect(watched.complaints).toEqual([]);
  });

  it.skipIf(!published || !sample)(
    'published weights get 85 of the dropped sample’s 1,017 wrong',
    async () => {
      await using watched = await open('?way=file');
      const { page } = watched;
      await page.getByRole('link', { name: 'Images' }).click();
      await page.getByRole('radio', { name: /^CIFAR-10/ }).check();
      await page.getByLabel('Choose a folder').setInputFiles(sample!);
      await page.getByText('8,380 images to train on and 1,017').waitFor();
      await page
        .getByRole('navigation', { name: 'Chapters' })
        .getByRole('link', { name: 'Test' })
        .click();
      await give(page, 'Weights', published!.file);
      await evaluate(page, '1,017');
      await page.getByText('85 of 1,017 images wrong').waitFor();
      expect(watched.complaints).toEqual([]);
    },
  );
});
