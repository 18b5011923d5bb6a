// Chapter 3 in a browser: images browsed with the keyboard and found again by a link, moved as training
// moves them, dropped, damaged, kept, and made of the reader's own pictures.

import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { augmentImage } from '../../../src/data/augment.ts';
import { augmentationOf } from '../../../src/data/batches.ts';
import { imageBytes } from '../../../src/data/dataset.ts';
import { makeSynthetic } from '../../../src/data/synthetic.ts';
import { describeMove } from '../../../src/web/chapters/images/moves.ts';
import { tarOf, tinyCifar10 } from '../../data/fixtures.ts';
import { findChromium } from '../../support/chromium.ts';
import { hostPage, violations } from '../host.ts';
import { openWatched } from '../site.ts';

const chromium = findChromium();

/** Small enough to be read quickly by a reader, too. */
const DATA = 'synthetic:train=2000,test=500';

const picture = async (name: string, colour: string) => ({
  name,
  mimeType: 'image/png',
  buffer: await sharp({ create: { width: 60, height: 40, channels: 3, background: colour } })
    .png()
    .toBuffer(),
});

describe.skipIf(!chromium)('the chapter of images', () => {
  const host = hostPage(chromium);

  const open = async (query = '?way=cifar') => {
    const watched = await openWatched(host.browser, { viewport: { width: 1100, height: 900 } });
    await watched.page.goto(`${host.url}#/images${query}`);
    await watched.page.getByRole('heading', { name: 'What training makes of an image' }).waitFor();
    return watched;
  };
  const choose = (page: Page, files: Parameters<ReturnType<Page['locator']>['setInputFiles']>[0]) =>
    page.getByLabel('Choose files').setInputFiles(files);

  it('is browsed with the keyboard, and a link shows the same', async () => {
    await using watched = await open();
    const { page } = watched;
    await page.getByRole('button', { name: 'ring' }).click();
    const grid = page.getByRole('listbox', { name: 'ring, images to train' });
    await grid.focus();
    await page.keyboard.press('PageDown');
    await page.getByText('61 to 120 of 200').waitFor();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    const selectedIn = (list: typeof grid) => list.getByRole('option', { selected: true });
    const name = await selectedIn(grid).textContent();
    const index = Number(name?.match(/\d+/)?.[0]);
    const { train } = makeSynthetic(DATA);
    const rings = [...train.labels.keys()].filter((i) => train.labels[i] === 4);
    expect(index).toBe(rings[61]);
    expect(await violations(page)).toEqual([]);

    await using other = await open(new URL(page.url()).hash.slice('#/images'.length));
    await other.page.getByText('61 to 120 of 200').waitFor();
    const same = other.page.getByRole('listbox', { name: 'ring, images to train' });
    expect(await selectedIn(same).textContent()).toBe(name);
    expect([...watched.complaints, ...other.complaints]).toEqual([]);
  });

  it('moves an image as training with this seed does in this epoch', async () => {
    await using watched = await open('?image=7&seed=3&epoch=12');
    const { page } = watched;
    const augmentation = augmentationOf({ seed: 3, epoch: 12 }, 7);
    const label = `What the network gets in epoch 12: ${describeMove(augmentation)}`;
    const seen = await page
      .getByRole('img', { name: label })
      .evaluate((canvas: HTMLCanvasElement) => [
        ...canvas.getContext('2d')!.getImageData(0, 0, 32, 32).data,
      ]);
    const moved = augmentImage(imageBytes(makeSynthetic(DATA).train, 7), augmentation);
    expect(seen.filter((_, i) => i % 4 !== 3)).toEqual([...moved]);
    await page.getByRole('slider', { name: 'Epoch' }).focus();
    await page.keyboard.press('ArrowRight');
    await page
      .getByText(`in epoch 13: ${describeMove(augmentationOf({ seed: 3, epoch: 13 }, 7))}`)
      .waitFor();
    expect(page.url()).toContain('epoch=13');
  });

  it('takes a dropped archive, says that it is not the original, and has it after a reload', async () => {
    await using watched = await open();
    const { page } = watched;
    const buffer = gzipSync(await tarOf(tinyCifar10()));
    await choose(page, { name: 'cifar.tar.gz', mimeType: 'application/gzip', buffer });
    await page.getByText('50 images to train on and 10').waitFor();
    await page.getByText('This is not the complete original CIFAR-10.').waitFor();
    await page.reload();
    await page.getByText('50 images to train on and 10').waitFor();
    expect(page.url()).toContain('data=cifar.tar.gz');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Remove cifar.tar.gz' }).click();
    await page.getByText('2,000 images to train on and 500').waitFor();
    expect(watched.complaints).toEqual([]);
  });

  it('says which file is damaged', async () => {
    await using watched = await open();
    const files = tinyCifar10();
    files['data_batch_3.bin']![0] = 77;
    await choose(
      watched.page,
      Object.entries(files).map(([name, buffer]) => ({ name, mimeType: '', buffer })),
    );
    const said = await watched.page.getByRole('alert').textContent();
    expect(said).toContain('data_batch_3.bin is damaged: image 0 has label 77');
  });

  it('a link to images that are not here says so, and shows others', async () => {
    await using watched = await open('?data=elsewhere&label=3');
    const said = await watched.page.getByRole('alert').textContent();
    expect(said).toContain('The images of "elsewhere" are not in this browser');
    await watched.page.getByText('2,000 images to train on').waitFor();
  });

  it('makes a data set of pictures: chosen, dropped, pasted and taken with the camera', async () => {
    await using watched = await open('?way=pictures');
    const { page } = watched;
    const names = page.getByLabel('Name of the class');
    await names.nth(0).fill('red');
    await choose(page, [await picture('1.png', 'red'), await picture('2.png', '#c00')]);
    await page.getByText('“second” has 0').waitFor();
    await names.nth(1).fill('blue');
    const { buffer } = await picture('3.png', 'blue');
    const give = (kind: 'drop' | 'paste') =>
      page.evaluate(
        ([bytes, event]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], '3.png', { type: 'image/png' }));
          transfer.items.add(new File(['x'], 'notes.txt', { type: 'text/plain' }));
          if (event === 'paste') {
            dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer }));
            return;
          }
          const card = document.querySelector('[aria-label="Class blue"]');
          card?.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true }));
        },
        [[...buffer], kind] as const,
      );
    const blue = page.getByRole('region', { name: 'Class blue' });
    await give('drop');
    await page.getByText('Some files are no pictures and were left out.').waitFor();
    await blue.getByText('1 picture').waitFor();
    await give('paste');
    await blue.getByText('2 pictures').waitFor();
    await page.getByRole('button', { name: 'Take a picture' }).click();
    await page.getByRole('button', { name: 'Take it' }).click();
    await blue.getByText('3 pictures').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Use these pictures' }).click();
    await page.getByText('3 images to train on and 2').waitFor();
    expect(watched.complaints).toEqual([]);
  });
});
