// Chapter 6 as a reader uses it: one picture through a network, down to one pixel, also while it trains.

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { findChromium } from '../../support/chromium.ts';
import { sharedPublished } from '../../support/shared.ts';
import { hostPage, violations } from '../host.ts';
import { openWatched } from '../site.ts';

const chromium = findChromium();
const published = sharedPublished('resnet20-12fca82f');

describe.skipIf(!chromium)('looking inside', () => {
  const host = hostPage(chromium);

  const steps = (page: Page) => page.getByRole('table', { name: /from the sum to the pixel/ });

  /** Left and right of the last line: `max(0, x)` and what is said to come out. */
  async function lastStep(page: Page): Promise<[number, number]> {
    const cells = await steps(page).locator('tr').last().locator('td').allTextContents();
    const [before, after] = cells.map((text) =>
      Number(text.replaceAll('−', '-').replace(/max\(0, |[=)\s]/g, '')),
    );
    return [before!, after!];
  }

  it('shows a block and the arithmetic of a pixel, for everybody, and says where in its address', async () => {
    await using watched = await openWatched(host.browser, {
      viewport: { width: 1280, height: 900 },
    });
    const { page } = watched;
    await page.goto(`${host.url}#/inside?model=untrained:resnet20:3&block=layer2.0&channel=9`);
    await steps(page).waitFor();
    for (const title of ['Input x', 'F(x): before the shortcut', 'The shortcut: x']) {
      await page.getByText(title, { exact: true }).waitFor();
    }
    const [before, after] = await lastStep(page);
    expect(after).toBe(Math.max(0, before));
    await page.getByRole('combobox', { name: 'Convolution' }).selectOption('layer2.0.conv1');
    await page.getByLabel('Row').fill('4');
    await page.getByText(/layer2\.0\.conv1, from the sum/).waitFor();
    expect(page.url()).toContain('conv=conv1');
    expect(page.url()).toContain('row=9');
    expect(await violations(page)).toEqual([]);
    expect(watched.complaints).toEqual([]);
  });

  it('goes from block to block, and from a filter to its map', async () => {
    await using watched = await openWatched(host.browser);
    const { page } = watched;
    await page.goto(`${host.url}#/inside`);
    await steps(page).waitFor();
    await page.getByRole('button', { name: 'Next →' }).click();
    await page.getByText(/^layer1\.1\.conv2, from the sum/).waitFor();
    // The second map of the first row, at its pixel (10, 12): maps are drawn twice as large, two apart.
    const output = page.locator('figure', { hasText: 'After: ReLU' }).locator('canvas');
    await output.click({ position: { x: 2 * (34 + 12) + 1, y: 2 * 10 + 1 } });
    await page.waitForURL(/channel=1&row=10&column=12/);
    await page.getByRole('button', { name: 'Filter 5' }).click();
    await page.getByText(/^conv1, from the sum/).waitFor();
    expect(await page.getByLabel('Map', { exact: true }).inputValue()).toBe('5');
    await page.getByText(/What it sees of (red|green|blue)/).waitFor();
    expect(watched.complaints).toEqual([]);
  });

  it('says so where an address names no network', async () => {
    await using watched = await openWatched(host.browser);
    const { page } = watched;
    await page.goto(`${host.url}#/inside?model=untrained:resnet21:1`);
    await page
      .getByRole('alert')
      .getByText(/resnet21/)
      .waitFor();
  });

  it.skipIf(!published)('takes published weights', async () => {
    await using watched = await openWatched(host.browser);
    const { page } = watched;
    await page.goto(`${host.url}#/inside`);
    await steps(page).waitFor();
    await page.getByText('Other weights').click();
    await page.locator('input[accept*=".th"]').setInputFiles(published!.file);
    await page.getByText('not trained: its batch normalisation').waitFor({ state: 'detached' });
    expect(await page.getByRole('combobox', { name: 'Network' }).inputValue()).toBe(
      'file:resnet20-12fca82f.th',
    );
    const [before, after] = await lastStep(page);
    expect(after).toBe(Math.max(0, before));
    expect(watched.complaints).toEqual([]);
  });
});
