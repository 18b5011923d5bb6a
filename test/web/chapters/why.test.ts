// Chapter 1 as a reader uses it: move the diagram, follow a link to it. Training both: why-both.test.ts.

import { describe, expect, it, vi } from 'vitest';
import { findChromium } from '../../support/chromium.ts';
import { hostPage, violations } from '../host.ts';
import { openWatched } from '../site.ts';

const chromium = findChromium();

describe.skipIf(!chromium)('why residual networks', () => {
  const host = hostPage(chromium);

  it('computes what the sliders say, and a link brings it to somebody else', async () => {
    await using watched = await openWatched(host.browser, {
      viewport: { width: 1280, height: 900 },
    });
    const { page } = watched;
    await page.goto(host.url);
    const said = page.getByText(/^After 54 layers/);
    await said.waitFor();
    const before = await said.textContent();
    await page.getByLabel('Gain of each layer').fill('1.2');
    await page.getByLabel('batch normalisation').check();
    await vi.waitFor(async () => expect(await said.textContent()).not.toBe(before));
    await page.getByLabel('error on test images').check();
    await page.getByLabel('B: projection').check();
    await page.getByText(/a weighted sum of all 16 input channels/).waitFor();
    expect(page.url()).toMatch(/#\/why\?gain=1\.2&norm=1&error=test&option=B$/);
    await page.getByRole('img', { name: /^With shortcuts: after 54 layers/ }).waitFor();

    await using other = await openWatched(host.browser, { viewport: { width: 1280, height: 900 } });
    await other.page.goto(page.url());
    const same = other.page.getByText(/^After 54 layers/);
    await same.waitFor();
    await vi.waitFor(async () => expect(await same.textContent()).toBe(await said.textContent()));
    await other.page.getByRole('img', { name: 'Plain networks: test error by epoch' }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect([...watched.complaints, ...other.complaints]).toEqual([]);
  });
});
