// A tab of headless Chromium with the training worker's client in it, on a page that Vite serves
// straight from the sources, cross-origin isolated or not. What happens in the page is written as text,
// because vitest would rewrite its imports for itself.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { createViteServer } from 'vitest/node';
import { SOFTWARE_GPU } from '../../support/chromium.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const FLAGS = [
  ...['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
];
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export interface Tab {
  readonly page: Page;
  /** Messages of the page's console that are errors, and uncaught ones. */
  readonly errors: readonly string[];
  /**
   * Runs an async function's body in the page; `client`, `steps`, `until` and the other exports of
   * tab-page.ts are in its scope, and `argument` is what is given here.
   */
  run<T>(body: string, argument?: unknown): Promise<T>;
  /** Serves a file of this machine, or bytes, to the page. @returns its address there */
  serve(file: string | { readonly name: string; readonly bytes: Uint8Array }): Promise<string>;
  reload(): Promise<void>;
}

export interface TabBrowser extends AsyncDisposable {
  readonly context: BrowserContext;
  /** A tab of the same origin and storage as the others. */
  open(): Promise<Tab>;
}

export async function openBrowser(
  executablePath: string,
  { isolated = true, webgpu = false } = {},
): Promise<TabBrowser> {
  const headers = isolated ? ISOLATION : {};
  const server = await createViteServer({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    appType: 'custom',
    server: { port: 0, host: '127.0.0.1', hmr: false, watch: null, headers },
    worker: { format: 'es' },
    optimizeDeps: { noDiscovery: true },
  });
  await server.listen();
  const address = server.httpServer?.address();
  if (typeof address !== 'object' || address === null) throw new Error('Vite does not listen');
  const url = `http://127.0.0.1:${address.port}/`;
  const gpu = webgpu ? SOFTWARE_GPU : [];
  const browser = await chromium.launch({ executablePath, args: [...FLAGS, ...gpu] });
  const context = await browser.newContext();
  await context.route(url, (route) =>
    route.fulfill({
      contentType: 'text/html',
      headers,
      body: '<!doctype html><title>test</title><link rel="icon" href="data:,">',
    }),
  );
  return {
    context,
    open: () => openTab(context, url, headers),
    async [Symbol.asyncDispose]() {
      await browser.close();
      await server.close();
    },
  };
}

async function openTab(
  context: BrowserContext,
  url: string,
  headers: Record<string, string>,
): Promise<Tab> {
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.goto(url);
  return {
    page,
    errors,
    run: (body, argument) =>
      page.evaluate(
        `import('/test/web/worker/tab-page.ts').then(async (tab) => {
          const { client, events, arrivals, ended, said, steps, until, stopped, blobOf, base64, refusal } = tab;
          const argument = ${JSON.stringify(argument ?? null)};
          ${body}
        })`,
      ),
    async serve(file) {
      const name = typeof file === 'string' ? path.basename(file) : file.name;
      const served = `/served/${encodeURIComponent(name)}`;
      await page.route(new URL(served, url).href, (route) =>
        typeof file === 'string'
          ? route.fulfill({ path: file, headers })
          : route.fulfill({ body: Buffer.from(file.bytes), headers }),
      );
      return served;
    },
    reload: async () => {
      await page.goto(url);
    },
  };
}
