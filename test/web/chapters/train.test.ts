// Chapter 4 as a reader uses it, in Debian's Chromium: a network is trained, paused, reloaded and gone on
// with; what can go wrong is said with what to do; and the page's own thread stays free.

import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect, it, vi } from 'vitest';
import { packFolder, unpackFolder } from '../../../src/formats/zip-folder.ts';
import { formatLearningRate } from '../../../src/util/format.ts';
import { findChromium } from '../../support/chromium.ts';
import { hostPage, violations } from '../host.ts';
import { openWatched } from '../site.ts';
import { longestTasks } from '../tasks.ts';

const chromium = findChromium();
if (!chromium) console.log('chapter 4 is not tested in a browser: there is no Chromium');

/** Seconds on one core. */
const DATA = 'synthetic:train=256,test=64';
const SMALL = 'batchSize=32&device=cpu&threads=1';
const WAIT = { timeout: 120_000 };

describe.skipIf(!chromium)('the training chapter', () => {
  const host = hostPage(chromium);

  async function open(settings: string, options = {}) {
    const watched = await openWatched(host.browser, options);
    const { page } = watched;
    await page.addInitScript((data) => localStorage.setItem('table6-data', data), DATA);
    await page.goto(`${host.url}#/train?${SMALL}&${settings}`);
    await button(page, 'Train').waitFor(WAIT);
    return watched;
  }
  const button = (page: Page, name: string | RegExp) =>
    page.getByRole('button', { name, exact: true }).first();
  /** Begins the run in the form. */
  async function train(page: Page) {
    await page.waitForFunction(
      () => !document.querySelector<HTMLButtonElement>('#setup button.primary')?.disabled,
    );
    await button(page, 'Train').click();
    // A small run may be over before anybody sees its speed.
    const speed = page.getByText(/images\/s ·/);
    await speed.or(page.getByText('is trained.')).first().waitFor(WAIT);
  }
  const trained = (page: Page) => page.getByText('is trained.').waitFor(WAIT);
  /** The files of the run that is shown, from the zip that a reader downloads. */
  async function download(page: Page): Promise<ReadonlyMap<string, Uint8Array>> {
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      button(page, 'The whole run (zip)').click(),
    ]);
    return await unpackFolder(await readFile(await file.path()));
  }
  async function summaryOf(page: Page) {
    const json = (await download(page)).get('summary.json');
    return JSON.parse(new TextDecoder().decode(json));
  }
  /** Of each epoch, first to last, from the table. */
  const losses = async (page: Page) =>
    (await page.locator('section[aria-label="Epochs"] td:nth-child(2)').allInnerTexts())
      .map(Number)
      .reverse();

  it('trains to a lower loss, and is the same run when it was paused and the page reloaded', async () => {
    // Long enough to be paused on a busy machine, where a shorter run was over before.
    await using watched = await open('epochs=20');
    const { page, complaints } = watched;
    await train(page);
    await trained(page);
    const [first, ...rest] = await losses(page);
    expect(rest.at(-1)).toBeLessThan(first!);
    expect(await page.locator('[aria-label="Lines of the log"] pre').innerText()).toMatch(
      /^The lowest error from resnet8 model after 20 epochs is \d/m,
    );
    const unbroken = await summaryOf(page);
    expect(unbroken.outcome).toBe('complete');

    await train(page);
    await button(page, 'Pause').click();
    await button(page, 'Resume').waitFor(WAIT);
    await button(page, 'One step').click();
    await page.reload();
    await page.getByText('was cut short.').waitFor(WAIT);
    await button(page, 'Go on').click();
    await trained(page);
    const broken = await summaryOf(page);
    expect(broken.weightsSha256).toBe(unbroken.weightsSha256);
    expect(complaints).toEqual([]);
  });

  it('keeps its thread free while it trains, and every reader can use it', async () => {
    await using watched = await open('epochs=200');
    const { page } = watched;
    await train(page);
    await page.getByRole('heading', { name: 'Epochs', exact: true }).waitFor(WAIT);
    const { computed, elapsed } = await longestTasks(host.browser, page, 6);
    console.log(
      `longest task of the page in 6 s of training: ${computed.toFixed(0)} ms of its own, ${elapsed.toFixed(0)} ms by the clock`,
    );
    expect(computed).toBeLessThan(50);
    await button(page, 'Pause').click();
    await button(page, 'Resume').waitFor(WAIT);
    expect(await violations(page)).toEqual([]);
  });

  it('gives the whole run as a zip, and takes it back after it was deleted', async () => {
    await using watched = await open('epochs=1');
    const { page } = watched;
    await train(page);
    await trained(page);
    const [zip] = await Promise.all([
      page.waitForEvent('download'),
      button(page, 'The whole run (zip)').click(),
    ]);
    const buffer = await readFile(await zip.path());
    await button(page, 'Delete …').click();
    await button(page, 'Delete it').click();
    await page.getByText('Your runs').waitFor({ state: 'hidden', ...WAIT });
    await page.locator('input[type="file"]').setInputFiles({
      name: zip.suggestedFilename(),
      mimeType: 'application/zip',
      buffer,
    });
    await trained(page);
    // Its epochs are read after its summary.
    await vi.waitFor(async () => expect(await losses(page)).toHaveLength(1), 10_000);
  });

  it.each(['safetensors', 'PyTorch (.pth)'])(
    'gives weights as %s, and takes them in',
    async (format) => {
      await using watched = await open('epochs=1');
      const { page } = watched;
      await train(page);
      await trained(page);
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        button(page, `Weights: ${format}`).click(),
      ]);
      await page.locator('input[type="file"]').setInputFiles({
        name: file.suggestedFilename(),
        mimeType: 'application/octet-stream',
        buffer: await readFile(await file.path()),
      });
      await page.getByText('resnet8, 75,290 parameters').waitFor(WAIT);
    },
  );

  it('changes the learning rate while it runs, and records that in the run', async () => {
    await using watched = await open('epochs=200');
    const { page } = watched;
    await train(page);
    await button(page, 'Learning rate ÷ 2').click();
    await page.getByText("the schedule's × 0.5, recorded in the run").waitFor(WAIT);
    await button(page, 'Pause').click();
    await button(page, 'Resume').waitFor(WAIT);
    const config = JSON.parse(new TextDecoder().decode((await download(page)).get('config.json')));
    expect(config.rateChanges).toEqual([{ iteration: expect.any(Number), factor: 0.5 }]);
  });

  it('explains a loss that is no number, and goes on at a lower rate', async () => {
    await using watched = await open('epochs=3&recipe=quick&learningRate=1000&checkpointSteps=1');
    const { page } = watched;
    await button(page, 'Train').click();
    await page.getByText('The loss is no longer a number').waitFor(WAIT);
    await button(page, 'Begin again with the learning rate 100').click();
    expect(page.url()).toContain('learningRate=100&');
    await button(page, 'Begin again with an epoch of warm-up').click();
    expect(page.url()).toContain('warmup=1');
  });

  it('goes on from a state before the loss was no number, at a tenth of its rate', async () => {
    const settings = 'epochs=40&recipe=quick&learningRate=1&checkpointSteps=1';
    await using watched = await open(settings);
    const { page } = watched;
    await button(page, 'Begin paused, to go step by step').click();
    for (const step of [1, 2, 3]) {
      await button(page, 'One step').click();
      await page.getByText(`step ${step} of`).waitFor(WAIT);
    }
    for (let i = 1; i <= 3; i++) {
      await button(page, 'Learning rate × 10').click();
      await page.getByText(`the schedule's × ${formatLearningRate(10 ** i)},`).waitFor(WAIT);
    }
    await button(page, 'Resume').click();
    await page.getByText('The loss is no longer a number').waitFor(WAIT);
    await page.getByText('Go on from an earlier state').click();
    await page.getByLabel('State', { exact: true }).selectOption('previous');
    expect(await violations(page)).toEqual([]);
    await button(page, 'Go on from it, at a tenth of its rate').click();
    // Whether that is slow enough is another matter.
    const changes = async () => {
      const json = (await download(page)).get('config.json');
      return JSON.parse(new TextDecoder().decode(json)).rateChanges;
    };
    await expect.poll(changes, WAIT).toEqual([
      { iteration: 3, factor: 1000 },
      { iteration: expect.any(Number), factor: 100 },
    ]);
  });

  it('offers the state before where the last one is damaged, and comes to the same weights', async () => {
    await using watched = await open('epochs=3&checkpointSteps=1');
    const { page } = watched;
    await train(page);
    await trained(page);
    const unbroken = await summaryOf(page);
    await button(page, 'Begin paused, to go step by step').click();
    for (const step of [1, 2, 3]) {
      await button(page, 'One step').click();
      await page.getByText(`step ${step} of`).waitFor(WAIT);
    }
    await button(page, 'Stop').click();
    await button(page, 'Go on').waitFor(WAIT);
    const files = new Map(await download(page));
    const last = files.get('checkpoints/last.safetensors')!;
    last[last.length - 100]! ^= 1;
    await page.locator('input[type="file"]').setInputFiles({
      name: 'damaged.zip',
      mimeType: 'application/zip',
      buffer: Buffer.from(await packFolder(files)),
    });
    await page.getByRole('heading', { name: 'damaged' }).waitFor(WAIT);
    await button(page, 'Go on').click();
    await page.getByText('The last checkpoint of this run is damaged.').waitFor(WAIT);
    expect(await violations(page)).toEqual([]);
    await button(page, /^Go on from “previous”, in epoch 1/).click();
    await trained(page);
    expect((await summaryOf(page)).weightsSha256).toBe(unbroken.weightsSha256);
  });

  it('says that its worker was killed, and goes on with what was saved', async () => {
    await using watched = await open('epochs=200&checkpointSteps=1');
    const { page } = watched;
    await train(page);
    await page.waitForTimeout(500);
    for (const worker of page.workers()) {
      if (worker.url().includes('/worker-')) {
        await worker.evaluate('self.close()').catch(() => {}); // it cannot answer any more
      }
    }
    await page.getByText('The part of this page that trains has ended.').waitFor(WAIT);
    await button(page, 'Start it again').click();
    await button(page, 'Go on').click();
    await page.getByText(/images\/s ·/).waitFor(WAIT);
  });

  it('lets only one tab train a run, and tells the other', async () => {
    await using watched = await open('epochs=200');
    const { page } = watched;
    await train(page);
    const other = await page.context().newPage();
    await other.goto(`${host.url}#/train?${SMALL}`);
    await other.getByText('It is open in another tab of this browser.').waitFor(WAIT);
    expect(await other.getByRole('button', { name: 'Go on' }).count()).toBe(0);
  });

  it('says that the storage is full, and what to do', async () => {
    await using watched = await open('epochs=200&checkpointSteps=1');
    const { page } = watched;
    await button(page, 'Begin paused, to go step by step').click();
    await button(page, 'One step').click();
    await page.getByText(/step 1 of/).waitFor(WAIT);
    const devtools = await page.context().newCDPSession(page);
    const { origin } = new URL(host.url);
    await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1000 });
    await button(page, 'Resume').click();
    await page.getByText("The browser's storage for this page is full.").waitFor(WAIT);
  });

  it('says that nothing is kept where the browser has no storage for pages', async () => {
    await using watched = await openWatched(host.browser);
    const { page } = watched;
    await page.route(/\/worker-[^/]*\.js$/, async (route) => {
      const response = await route.fetch();
      const body = `Object.defineProperty(navigator, 'storage', { value: {} });${await response.text()}`;
      await route.fulfill({ response, body });
    });
    await page.goto(`${host.url}#/train?${SMALL}`);
    await page.getByText('Nothing is kept when this tab is closed.').waitFor(WAIT);
  });

  it('says at the field what is wrong, and does not begin', async () => {
    await using watched = await open('arch=resnet21&seed=2');
    const { page } = watched;
    expect(await page.getByLabel('Seed', { exact: true }).inputValue()).toBe('2');
    await expect.poll(() => button(page, 'Train').isDisabled()).toBe(true);
    expect(await page.locator('.field .problem').first().innerText()).toContain('resnet21');
    await page.getByLabel('Network', { exact: true }).fill('plain20');
    await expect.poll(() => button(page, 'Train').isDisabled()).toBe(false);
    expect(page.url()).toContain('arch=plain20');
  });
});
