// Chapter 2 as a reader uses it: choose a network, walk over its blocks, take a link along.

import type { Page } from 'playwright-core';
import { describe, expect, it, vi } from 'vitest';
import { createNetwork } from '../../../src/nn/network.ts';
import { formatSummary, summarizeNetwork } from '../../../src/nn/summary.ts';
import { findChromium } from '../../support/chromium.ts';
import { hostPage, violations } from '../host.ts';
import { openWatched } from '../site.ts';

const chromium = findChromium();

describe.skipIf(!chromium)('the networks', () => {
  const host = hostPage(chromium);

  const details = (page: Page) => page.getByRole('complementary').innerText();

  it('draws the one that is chosen, and its address brings the same back', async () => {
    await using watched = await openWatched(host.browser, {
      viewport: { width: 1280, height: 900 },
    });
    const { page } = watched;
    await page.goto(`${host.url}#/networks`);
    const boxes = page.getByRole('radiogroup', { name: /Parts of the network/ }).getByRole('radio');
    await boxes.first().waitFor();
    expect(await boxes.count()).toBe(3 * 3 + 2);

    await page.getByLabel('56', { exact: true }).check();
    await page.getByLabel('B', { exact: true }).check();
    expect(await boxes.count()).toBe(3 * 9 + 2);
    await page.getByRole('radio', { name: /Stage 2, block 1 of 9/ }).click();
    expect(await details(page)).toContain('layer2.0');
    expect(await details(page)).toContain('shortcut.0');
    expect(page.url()).toMatch(/#\/networks\?arch=resnet56&shortcut=B&block=layer2\.0$/);

    await page.keyboard.press('ArrowRight');
    expect(await details(page)).toContain('layer2.1');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-checked'))).toBe(
      'true',
    );

    const before = await details(page);
    await page.reload();
    await boxes.first().waitFor();
    expect(await details(page)).toBe(before);
    expect(await violations(page)).toEqual([]);
    expect(watched.complaints).toEqual([]);
  });

  it('leads to the same block in chapter 6', async () => {
    await using watched = await openWatched(host.browser);
    const { page } = watched;
    await page.goto(`${host.url}#/networks?arch=plain20&block=layer3.1`);
    await page.getByRole('link', { name: 'Look inside it' }).click();
    expect(page.url()).toContain('#/inside?model=untrained:plain20:1&block=layer3.1');
  });

  it('shows the deepest and its summary in a narrow window', async () => {
    await using watched = await openWatched(host.browser, {
      viewport: { width: 380, height: 800 },
      colorScheme: 'dark',
    });
    const { page } = watched;
    await page.goto(`${host.url}#/networks?arch=resnet1202&block=layer3.199`);
    await page.getByText('Stage 3, block 200 of 200').waitFor();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(380);
    await page.getByRole('link', { name: 'ResNet-32' }).click();
    await page.getByText('Every module of resnet32').click();
    const summary = formatSummary(summarizeNetwork(createNetwork('resnet32')));
    await vi.waitFor(async () =>
      expect(await page.getByLabel('Summary of resnet32').textContent()).toBe(summary),
    );
    expect(await violations(page)).toEqual([]);
    expect(watched.complaints).toEqual([]);
  });
});
