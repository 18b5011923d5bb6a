// What a real browser makes of the answers: the page is isolated and hears of runs; a page of another
// origin, also on this machine, gets nothing.

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findChromium } from '../support/chromium.ts';
import { type Served, serve } from './support/harness.ts';
import { makeRun } from './support/runs.ts';

const executablePath = findChromium();
let browser: Browser;

beforeAll(async () => {
  if (executablePath !== undefined) {
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  }
});
afterAll(() => browser?.close());

/** Opens an address and collects what the browser complains about. */
async function open(url: string) {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(`${message.text()} ${message.location().url}`));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(url);
  return { page, complaints };
}

/** The page's script: whatever it finds out is its title. */
async function withScript(served: Served, script: string): Promise<void> {
  await writeFile(path.join(served.page, 'main.js'), script);
  const square = '<rect width="8" height="8"/>';
  const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">${square}</svg>`;
  await writeFile(path.join(served.page, 'icon.svg'), icon);
  // An icon of its own, or the browser asks for one.
  const head = '<link rel="icon" href="icon.svg"><script type="module" src="main.js"></script>';
  const document = `<!doctype html><html><head>${head}</head></html>`;
  await writeFile(path.join(served.page, 'index.html'), document);
}

describe.skipIf(executablePath === undefined)('in Chromium', () => {
  test('the page is isolated, compiles kernels, and hears of a run', async () => {
    const served = await serve();
    await makeRun(served.runs, 'a/run');
    await withScript(
      served,
      `const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
       await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
       const isServed = document.querySelector('meta[name=table6-served]') !== null;
       const events = new EventSource('api/events');
       events.addEventListener('run', ({ data }) => {
         document.title = [crossOriginIsolated, isServed, memory.buffer.byteLength, JSON.parse(data).id];
       });`,
    );
    const { page, complaints } = await open(served.server.url);
    await expect.poll(() => page.title()).toBe('true,true,65536,a/run');
    expect(complaints).toEqual([]);
  });

  test('a page of another port of this machine can neither read nor embed anything', async () => {
    const served = await serve();
    await makeRun(served.runs, 'secret-run');
    const foreign = createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>foreign</title>');
    }).listen(0, '127.0.0.1');
    onTestFinished(() => {
      foreign.close();
      foreign.closeAllConnections();
    });
    await once(foreign, 'listening');
    const { port } = foreign.address() as AddressInfo;
    const { page } = await open(`http://127.0.0.1:${port}/`);
    const outcome = await page.evaluate(`(async () => {
      const url = ${JSON.stringify(served.server.url)};
      const loads = (tag, attributes) => new Promise((resolve) => {
        const element = Object.assign(document.createElement(tag), attributes);
        element.onload = () => resolve('loaded');
        element.onerror = () => resolve('refused');
        document.head.append(element);
      });
      const hears = () => new Promise((resolve) => {
        const events = new EventSource(url + 'api/events');
        events.onopen = () => resolve('loaded');
        events.onerror = () => resolve('refused');
      });
      const reads = (mode) =>
        fetch(url + 'api/runs', { mode }).then(() => 'loaded', () => 'refused');
      return {
        fetch: await reads('cors'),
        opaque: await reads('no-cors'),
        events: await hears(),
        script: await loads('script', { src: url + 'assets/index-D4kLw2Zq.js' }),
        style: await loads('link', { rel: 'stylesheet', href: url + 'api/runs' }),
      };
    })()`);
    expect(outcome).toEqual({
      fetch: 'refused',
      opaque: 'refused',
      events: 'refused',
      script: 'refused',
      style: 'refused',
    });
  });
});
