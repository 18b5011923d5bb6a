// "Train both" of chapter 1: a plain and a residual network side by side, on all threads.

import type { Page } from 'playwright-core';
import { describe, expect, it, vi } from 'vitest';
import { findChromium } from '../../support/chromium.ts';
import { hostPage, violations } from '../host.ts';
import { openWatched } from '../site.ts';

const chromium = findChromium();

describe.skipIf(!chromium)('why residual networks', () => {
  const host = hostPage(chromium);

  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

  it('trains a plain and a residual network side by side, pauses and goes on', async () => {
    await using watched = await openWatched(host.browser, {
      viewport: { width: 380, height: 800 },
      colorScheme: 'dark',
    });
    const { page } = watched;
    await page.goto(`${host.url}#/why/both?depth=8&passes=2`);
    await button(page, 'Train both').click();
    await button(page, 'Pause').click();
    await page.getByText('Paused', { exact: true }).waitFor();
    const steps = page.getByRole('progressbar', { name: 'Paused' });
    const before = Number(await steps.getAttribute('value'));
    await button(page, 'One step').click();
    // Two runs of 40 steps: one step of each.
    await vi.waitFor(async () =>
      expect(Number(await steps.getAttribute('value'))).toBeCloseTo(before + 2 / 80, 5),
    );
    await button(page, 'Go on').click();
    await button(page, 'Train both').waitFor({ timeout: 100_000 });
    const table = page.getByRole('table', { name: /After each pass/ });
    for (const name of ['plain', 'residual']) {
      const row = await table.getByRole('row', { name }).innerText();
      expect(row).toContain('2 of 2');
      expect(row.match(/\d+\.\d %/g)).toHaveLength(2);
    }
    await page.getByText(/^Computing on: .*threads?/).waitFor();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(380);
    expect(await violations(page)).toEqual([]);
    expect(watched.complaints).toEqual([]);
  });
});
