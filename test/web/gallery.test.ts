import { describe, expect, it, vi } from 'vitest';
import { findChromium } from '../support/chromium.ts';
import { hostPage, violations } from './host.ts';
import { buildGallery, openWatched } from './site.ts';

const chromium = findChromium();

describe.skipIf(!chromium)('the shared components', () => {
  const host = hostPage(chromium, { build: buildGallery });
  const open = async (options: Parameters<typeof openWatched>[1] = {}) => {
    const watched = await openWatched(host.browser, options);
    await watched.page.goto(host.url);
    await watched.page.waitForSelector('.u-over');
    return watched;
  };

  for (const [look, options] of [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['380 pixels wide', { viewport: { width: 380, height: 700 } }],
  ] as const) {
    it(`are for everybody: ${look}`, async () => {
      await using watched = await open(options);
      for (const summary of await watched.page.getByText('In figures').all()) await summary.click();
      expect(await violations(watched.page)).toEqual([]);
      expect(await watched.page.evaluate(() => document.documentElement.scrollWidth)).toBe(
        await watched.page.evaluate(() => innerWidth),
      );
      expect(watched.complaints).toEqual([]);
    });
  }

  it('open a term’s card by click and by keyboard, and close it again', async () => {
    await using watched = await open();
    const { page } = watched;
    const word = page.getByRole('button', { name: 'block', exact: true });
    const card = page.getByText('Two convolutions with a shortcut around them');
    await word.click();
    await card.waitFor();
    await word.click();
    await card.waitFor({ state: 'hidden' });
    await word.focus();
    await page.keyboard.press('Enter');
    await card.waitFor();
    await page.keyboard.press('Escape');
    await card.waitFor({ state: 'hidden' });
  });

  it('switch lines off, smooth them, and tell them in figures', async () => {
    await using watched = await open();
    const { page } = watched;
    const chart = page.locator('figure.chart').first();
    await chart.getByText('In figures').click();
    const rows = chart.locator('tbody tr');
    await vi.waitFor(async () => expect(await rows.count()).toBe(4), 10_000);
    expect(await rows.last().textContent()).toContain('2.303');
    await chart.getByLabel('plain20-s1').uncheck();
    expect(await rows.count()).toBe(3);
    await chart.getByLabel('Smoothing').fill('0.9');
    expect(await chart.locator('.controls output').first().textContent()).toBe('0.90');
    await chart.getByLabel('log y').check();
    await chart.getByLabel('log x').check();
    await page.waitForTimeout(200);
    expect(watched.complaints).toEqual([]);
  });

  it('say the values where the pointer is', async () => {
    await using watched = await open();
    const chart = watched.page.locator('figure.chart').nth(1);
    await chart.locator('.u-over').hover({ position: { x: 100, y: 50 } });
    await watched.page.waitForFunction(() => document.querySelector('.at') !== null);
    expect(await chart.locator('.at').textContent()).toMatch(/^Epoch \d+$/);
    expect(
      await chart
        .getByRole('list', { name: 'Lines of this chart' })
        .locator('output')
        .first()
        .textContent(),
    ).toMatch(/^\d+\.\d\d %$/);
  });

  it('draw three growing runs of 20,000 steps in a fraction of a frame’s 50 ms', async () => {
    await using watched = await open();
    const { page } = watched;
    // Processor time of the page's thread, which other programs on this machine do not add to.
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    const threadSeconds = async () => {
      const { metrics } = await session.send('Performance.getMetrics');
      return metrics.find(({ name }) => name === 'ThreadTime')!.value;
    };
    await page.evaluate(() => {
      const count = () => {
        document.body.dataset.frames = String(Number(document.body.dataset.frames ?? 0) + 1);
        requestAnimationFrame(count);
      };
      count();
    });
    const before = await threadSeconds();
    await page.getByRole('button', { name: 'Grow for two seconds' }).click();
    await page.waitForFunction(() => document.body.dataset.grown !== undefined);
    const seconds = (await threadSeconds()) - before;
    const frames = Number(await page.evaluate(() => document.body.dataset.frames));
    expect(frames).toBeGreaterThan(5);
    expect((1000 * seconds) / frames, 'milliseconds a frame').toBeLessThan(25);
  });

  it('take files by choice, by drop and by camera', async () => {
    await using watched = await open();
    const { page } = watched;
    const given = page.locator('#given');
    const file = { name: 'cat.png', mimeType: 'image/png', buffer: Buffer.from('x') };
    await page.getByLabel('Choose files').setInputFiles(file);
    expect(await given.textContent()).toBe('cat.png');
    const transfer = await page.evaluateHandle(() => {
      const made = new DataTransfer();
      made.items.add(new File(['y'], 'dog.png', { type: 'image/png' }));
      return made;
    });
    await page.getByText('Your own pictures').dispatchEvent('drop', { dataTransfer: transfer });
    await page.waitForFunction(() => document.querySelector('#given')?.textContent === 'dog.png');
    await page.getByRole('button', { name: 'Take a picture' }).click();
    await page.getByRole('button', { name: 'Take it' }).click();
    await page.waitForFunction(
      () => document.querySelector('#given')?.textContent === 'camera.png',
    );
    expect(watched.complaints).toEqual([]);
  });

  it('say of a field what is wrong, and take what is right', async () => {
    await using watched = await open();
    const { page } = watched;
    const field = page.getByLabel('Batch size');
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    await page.locator('.problem', { hasText: 'Must be a whole number, at least 1' }).waitFor();
    await field.fill('64');
    expect(await field.getAttribute('aria-invalid')).toBe('false');
    await page.getByLabel('Recipe').selectOption('fast');
    const asked: unknown = JSON.parse((await page.locator('#asked').textContent())!);
    expect(asked).toEqual({
      recipe: 'fast',
      overrides: { epochs: 20, batchSize: 64 },
      problems: {},
    });
  });

  it('give the focus back when a dialog closes', async () => {
    await using watched = await open();
    const { page } = watched;
    const button = page.getByRole('button', { name: 'Open the dialog' });
    await button.click();
    await page.getByRole('dialog', { name: 'A question' }).waitFor();
    await page.keyboard.press('Escape');
    expect(await page.getByRole('dialog').count()).toBe(0);
    expect(await button.evaluate((element) => element === document.activeElement)).toBe(true);
  });
});
