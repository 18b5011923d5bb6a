// Headless Chromium for tests, on pages that Vite (which vitest brings) serves straight from the
// sources, with WebGPU in software.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { createViteServer } from 'vitest/node';
import type { Checks } from '../support/checks.ts';
import { SOFTWARE_GPU } from '../support/chromium.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FLAGS = [
  ...SOFTWARE_GPU,
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface ServedPage extends AsyncDisposable {
  readonly page: Page;
  /** Serves a file of this machine to the page. @returns its address there */
  serve(path: string): Promise<string>;
  /** The checks, run inside the page (webgpu-page.ts). */
  readonly checks: Checks;
}

/** An empty page that can import the sources: `import('/src/...')`. */
export async function openPage(executablePath: string): Promise<ServedPage> {
  const server = await createViteServer({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    appType: 'custom',
    server: { port: 0, host: '127.0.0.1', hmr: false, watch: null },
    optimizeDeps: { noDiscovery: true },
  });
  let browser: Browser | undefined;
  const close = async () => {
    await browser?.close();
    await server.close();
  };
  try {
    await server.listen();
    const address = server.httpServer?.address();
    if (typeof address !== 'object' || address === null) throw new Error('Vite does not listen');
    browser = await chromium.launch({ executablePath, args: FLAGS });
    const page = await browser.newPage();
    const url = `http://127.0.0.1:${address.port}/`;
    await page.route(url, (route) =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>test</title>' }),
    );
    await page.goto(url);
    return {
      page,
      async serve(file) {
        const served = `/served/${path.basename(file)}`;
        await page.route(url + served.slice(1), (route) => route.fulfill({ path: file }));
        return served;
      },
      checks: checksIn(page),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function checksIn(page: Page): Checks {
  // As text, because vitest would rewrite the import for itself.
  const run = (name: string, args: readonly unknown[]) =>
    page.evaluate(
      `import('/test/browser/webgpu-page.ts').then(({ checks }) => checks.${name}(...${JSON.stringify(args)}))`,
    );
  const get =
    (_: unknown, name: string) =>
    (...args: readonly unknown[]) =>
      run(name, args);
  return new Proxy({}, { get }) as Checks;
}
