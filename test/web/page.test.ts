// The page as it is built, in a real browser: every chapter opens by its address, for everybody, without
// a word to any other host, from any folder, with threads or the way to them.

import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FIRST_LOAD_LIMIT, firstLoad } from '../../scripts/check-web-size.ts';
import { CHAPTERS } from '../../src/web/chapters.ts';
import { findChromium } from '../support/chromium.ts';
import { buildPage, launch, openWatched, type Site, serve, type WatchedPage } from './site.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const chromium = findChromium();
let site: Site;
beforeAll(async () => {
  site = await buildPage();
});
afterAll(() => site[Symbol.dispose]());

describe('the first load', () => {
  it('is within its limit', () => {
    const files = firstLoad(site.folder);
    expect(files.map(({ file }) => file)).toContain('index.html');
    expect(files.filter(({ file }) => file.endsWith('.js')).length).toBeGreaterThan(1);
    const sum = files.reduce((total, { bytes }) => total + bytes, 0);
    expect(sum).toBeLessThan(FIRST_LOAD_LIMIT);
  });
});

describe.skipIf(!chromium)('the page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch(chromium!);
  });
  afterAll(() => browser.close());

  const headingOf = ({ page }: WatchedPage) => page.locator('h1');
  const settled = ({ page }: WatchedPage) => page.waitForSelector('main > .lead');

  it('stands within a second, and complains of nothing', async () => {
    await using served = await serve(site, { isolated: true });
    await using watched = await openWatched(browser);
    await watched.page.goto(served.url);
    // The quickest of a few: a machine that other tests share says little by one.
    let quickest = Infinity;
    for (let i = 0; i < 5; i++) {
      await watched.page.reload();
      await settled(watched);
      const milliseconds = await watched.page.evaluate(() => {
        const [lead] = document.getElementsByClassName('lead');
        return lead ? performance.now() : Infinity;
      });
      quickest = Math.min(quickest, milliseconds);
    }
    expect(quickest).toBeLessThan(1000);
    expect(await watched.page.title()).toBe('Why residual networks · table6');
    expect(watched.complaints).toEqual([]);
  });

  // Colours do not depend on the width, so two looks cover both: axe takes seconds for each chapter.
  for (const [look, options] of [
    ['light, wide', { colorScheme: 'light', viewport: { width: 1280, height: 800 } }],
    ['dark, 380 pixels wide', { colorScheme: 'dark', viewport: { width: 380, height: 700 } }],
  ] as const) {
    it(`opens every chapter by its address, for everybody: ${look}`, async () => {
      await using served = await serve(site, { isolated: true });
      await using watched = await openWatched(browser, options);
      for (const { id, title } of CHAPTERS) {
        await watched.page.goto(`${served.url}#/${id}`);
        await settled(watched);
        expect(await headingOf(watched).textContent()).toContain(title);
        const { violations } = await new AxeBuilder({ page: watched.page }).analyze();
        const found = violations.map((rule) => `${rule.id}: ${rule.nodes[0]?.html}`);
        expect(found, id).toEqual([]);
        const [needed, there] = await watched.page.evaluate(() => [
          document.documentElement.scrollWidth,
          innerWidth,
        ]);
        expect(needed, `${id} scrolls sideways`).toBeLessThanOrEqual(there!);
      }
      expect(watched.complaints).toEqual([]);
    });
  }

  it('is walked through with the keyboard, and by its links', async () => {
    await using served = await serve(site, { isolated: true });
    await using watched = await openWatched(browser);
    const { page } = watched;
    await page.goto(`${served.url}#/networks?arch=plain20`);
    await settled(watched);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
    expect(page.url(), 'skipping keeps the address').toMatch(/#\/networks\?arch=plain20$/);
    await page.getByRole('link', { name: 'The images →' }).click();
    await page.waitForFunction(() => document.activeElement?.id === 'main');
    expect(await headingOf(watched).textContent()).toContain('The images');
    await page.goBack();
    await page.waitForFunction(() => location.hash.startsWith('#/networks'));
    await page.getByRole('link', { name: '4 Train' }).click();
    await page.waitForFunction(() => document.title.startsWith('Train'));
    const link = page.getByRole('link', { name: '2 Networks' });
    expect(await link.getAttribute('href'), 'a chapter keeps what was set in it').toBe(
      '#/networks?arch=plain20',
    );
    expect(watched.complaints).toEqual([]);
  });

  it('shows its first chapter for an address that names none', async () => {
    await using served = await serve(site, { isolated: true });
    await using watched = await openWatched(browser);
    await watched.page.goto(`${served.url}#/nowhere?x=%`);
    await settled(watched);
    expect(await headingOf(watched).textContent()).toContain(CHAPTERS[0]!.title);
  });

  it('keeps the colours that a reader chose', async () => {
    await using served = await serve(site, { isolated: true });
    await using watched = await openWatched(browser, { colorScheme: 'light' });
    const { page } = watched;
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.goto(served.url);
    const light = await paper();
    await page.getByLabel('Colours').selectOption('dark');
    const dark = await paper();
    expect(dark).not.toBe(light);
    await page.reload();
    await settled(watched);
    expect(await paper()).toBe(dark);
  });

  describe('on a host that sets no headers', () => {
    const isIsolated = ({ page }: WatchedPage) => page.evaluate(() => crossOriginIsolated);

    it('isolates itself from a folder of it, with one reload', async () => {
      await using served = await serve(site, { isolated: false, below: '/some/folder/' });
      await using watched = await openWatched(browser);
      await watched.page.goto(`${served.url}#/train`);
      await watched.page.waitForFunction(() => crossOriginIsolated);
      await settled(watched);
      expect(await headingOf(watched).textContent()).toContain('Train');
      // Longer than a loop would take for its next round.
      await watched.page.waitForTimeout(1500);
      expect(watched.loads).toHaveLength(2);
      expect(watched.complaints).toEqual([]);
    });

    it('is isolated at once when it is opened again', async () => {
      await using served = await serve(site, { isolated: false });
      await using watched = await openWatched(browser);
      await watched.page.goto(served.url);
      await watched.page.waitForFunction(() => crossOriginIsolated);
      const second = await watched.page.context().newPage();
      let loads = 0;
      second.on('load', () => loads++);
      await second.goto(served.url);
      expect(await second.evaluate(() => crossOriginIsolated)).toBe(true);
      await second.waitForTimeout(1000);
      expect(loads).toBe(1);
    });

    it('does not reload again and again where that does not help', async () => {
      await using served = await serve(site, { isolated: false });
      await using watched = await openWatched(browser);
      // As in a browser whose service workers add nothing.
      await watched.page.addInitScript(() => {
        Object.defineProperty(globalThis, 'crossOriginIsolated', { get: () => false });
      });
      await watched.page.goto(served.url);
      await watched.page.waitForFunction(() => navigator.serviceWorker.controller !== null);
      await watched.page.waitForTimeout(2500);
      expect(watched.loads.length).toBeLessThanOrEqual(2);
      expect(watched.complaints).toEqual([]);
    });

    it('is not reloaded under the hands of its reader', async () => {
      await using served = await serve(site, { isolated: false });
      await using watched = await openWatched(browser);
      await watched.page.addInitScript(() => {
        addEventListener('DOMContentLoaded', () => dispatchEvent(new Event('pointerdown')));
      });
      await watched.page.goto(served.url);
      await watched.page.waitForFunction(() => navigator.serviceWorker.controller !== null);
      await watched.page.waitForTimeout(1000);
      expect(watched.loads).toHaveLength(1);
      expect(await isIsolated(watched)).toBe(false);
    });

    it('works without service workers', async () => {
      await using served = await serve(site, { isolated: false });
      await using watched = await openWatched(browser, { serviceWorkers: 'block' });
      await watched.page.goto(served.url);
      await settled(watched);
      await watched.page.waitForTimeout(500);
      expect(watched.loads).toHaveLength(1);
    });
  });
});
