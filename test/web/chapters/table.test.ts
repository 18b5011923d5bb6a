// Chapter 7 with the runs of a server's folder: a run appears with its curve while it is trained, and what
// is not comparable stands apart from the paper's numbers.

import { writeFile } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startServer } from '../../../src/server/server.ts';
import { temporaryFolder } from '../../runs/support/hosts.ts';
import { epochRecords, lines, makeRun } from '../../server/support/runs.ts';
import { findChromium } from '../../support/chromium.ts';
import { hostPage, violations } from '../host.ts';
import { openWatched } from '../site.ts';

const chromium = findChromium();

const ENVIRONMENT = {
  sessions: [
    {
      started: '2026-11-29T06:13:29.859Z',
      iteration: 0,
      host: { table6: '0.1.0', cpu: 'a processor' },
      backend: { description: 'wasm, 2 threads' },
      data: { title: 'CIFAR-10' },
    },
  ],
};

describe.skipIf(!chromium)('the table', () => {
  const host = hostPage(chromium);

  /** Of these the project shows no results of its own. */
  const OTHER = { arch: 'resnet110', recipe: 'quick' } as const;

  /** A server with a run of one epoch in its folder. */
  async function serveRun() {
    const folder = await temporaryFolder();
    const run = await makeRun(`${folder}/runs`, 'other-seed1', lines(epochRecords(0)), OTHER);
    await writeFile(`${run.dir}/environment.json`, JSON.stringify(ENVIRONMENT));
    await run.summarize(1);
    const server = await startServer({
      ...{ runs: `${folder}/runs`, cache: `${folder}/cache`, page: host.folder, port: 0 },
    });
    onTestFinished(() => server.close());
    return { run, server, folder };
  }

  const pageOf = async (url: string) => {
    const watched = await openWatched(host.browser, { viewport: { width: 1280, height: 900 } });
    onTestFinished(() => watched[Symbol.asyncDispose]());
    await watched.page.goto(`${url}#/table`);
    return watched.page;
  };

  it('shows a run of the server, not finished, with where it was trained, and grows with it', async () => {
    const { run, server } = await serveRun();
    const page = await pageOf(server.url);
    const row = page.getByRole('row', { name: /^ResNet-110\b.* 6\.43 9\.04 6\.32/ });
    await row.getByText('unfinished').waitFor();
    await row.getByRole('button', { name: /quick, 20 epochs/ }).click();
    await page.getByText('interrupted, 1 of 20 epochs').waitFor();
    await page.getByText(/Trained on wasm, 2 threads; a processor; table6 0\.1\.0/).waitFor();
    await page.getByText('In figures').click();
    const figures = page.getByRole('table', { name: /^Test error/ });
    await figures.getByText('at 1', { exact: true }).first().waitFor();
    await run.append(lines([...epochRecords(1), ...epochRecords(2)]));
    await run.summarize(3);
    await page.getByText('interrupted, 3 of 20 epochs').waitFor();
    await figures.getByText('at 3', { exact: true }).waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('takes in a run that begins, and keeps runs on other data away from the paper', async () => {
    const { server, folder } = await serveRun();
    const page = await pageOf(server.url);
    await page.getByText('unfinished').waitFor();
    expect(await page.getByRole('heading', { name: 'Other runs' }).count()).toBe(0);
    // Before its first epoch nobody knows what it is trained on.
    await makeRun(`${folder}/runs`, 'other-seed2', '', OTHER);
    await page.getByRole('heading', { name: 'Other runs' }).waitFor();
    await page.getByRole('cell', { name: 'not known yet' }).waitFor();
  });

  it('keeps what is drawn in its address', async () => {
    const { server } = await serveRun();
    const page = await pageOf(server.url);
    await page.getByText('unfinished').waitFor();
    await page.getByLabel('What to draw').selectOption('loss');
    await page.getByRole('button', { name: 'None' }).click();
    expect(page.url()).toContain('measure=loss');
    expect(page.url()).toContain('show=none');
    await page.reload();
    await page.getByText('unfinished').waitFor();
    expect(await page.getByLabel('What to draw').inputValue()).toBe('loss');
    expect(await page.locator('.plot').count()).toBe(0);
  });
});
