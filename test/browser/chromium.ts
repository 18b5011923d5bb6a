// Headless Chromium for tests, on pages that Vite (which vitest brings) serves straight from the
// sources. WebGPU runs on SwiftShader, which comes with Chromium.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { createViteServer } from 'vitest/node';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const FLAGS = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Chromium's place (CHROMIUM says another), or undefined after a message. */
export function findChromium(): string | undefined {
  const found = [process.env.CHROMIUM ?? '', ...PLACES].find((place) => existsSync(place));
  if (!found) console.warn('skipped: the browser tests, because there is no Chromium here');
  return found;
}

export interface ServedPage extends AsyncDisposable {
  readonly page: Page;
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
    return { page, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
