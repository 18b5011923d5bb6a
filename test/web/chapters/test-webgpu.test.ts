// Chapter 5 on a GPU, as far as a machine without one can show it: Chromium's software adapter, which compiles
// each kernel for a second or more. In a file of its own, for it takes minutes (`npm run test:slow`).

import { describe, expect, it } from 'vitest';
import { findChromium } from '../../support/chromium.ts';
import { sharedFile, sharedPublished } from '../../support/shared.ts';
import { hostPage } from '../host.ts';
import { openWatched } from '../site.ts';

const chromium = findChromium();
const published = sharedPublished('resnet20-12fca82f');
/** Eight minutes on half of a core, most of them the thousand images. */
const WHOLE = 1_800_000;
const sample = sharedFile('data/cifar10-sample/cifar-10-batches-bin');

describe.skipIf(!chromium || !published || !sample)('the chapter of tests on WebGPU', () => {
  const host = hostPage(chromium, { webgpu: true });

  it(
    'published weights get 85 of the dropped sample’s 1,017 wrong',
    async () => {
      await using watched = await openWatched(host.browser, {
        viewport: { width: 1100, height: 900 },
      });
      const { page } = watched;
      page.setDefaultTimeout(WHOLE);
      const chapter = (name: string) =>
        page.getByRole('navigation', { name: 'Chapters' }).getByRole('link', { name }).click();
      await page.goto(`${host.url}#/train`);
      await page.getByText('Device:').click();
      await page.getByLabel('Compute on').selectOption('webgpu');
      await page.getByText(/Device: WebGPU/).waitFor();
      await chapter('Images');
      await page.getByRole('radio', { name: /^CIFAR-10/ }).check();
      await page.getByLabel('Choose a folder').setInputFiles(sample!);
      await page.getByText('8,380 images to train on and 1,017').waitFor();
      await chapter('Test');
      await page.getByText('Weights in a file').click();
      await page
        .getByRole('region', { name: 'Weights' })
        .getByLabel('Choose a file')
        .setInputFiles(published!.file);
      await page.getByRole('button', { name: 'Test on 1,017 images' }).click();
      await page.getByText('85 of 1,017 images wrong').waitFor();
      expect(watched.complaints).toEqual([]);
    },
    WHOLE,
  );
});
