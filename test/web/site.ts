// The page as a reader gets it, for tests: built, served by a plain file server from a folder below the
// host's root, with the isolation headers or without, and opened in Debian's Chromium.

import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { ISOLATION_HEADERS, mathematics } from '../../scripts/vite-plugins.ts';
import { SOFTWARE_GPU } from '../support/chromium.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');

/** A folder with a built site; deleted when disposed of, unless it is shared. */
export interface Site extends Disposable {
  readonly folder: string;
}

/** What the built page depends on. */
const SOURCES = ['src/**/*', 'scripts/*', 'vite.config.ts', 'package.json', 'package-lock.json'];

/** Built pages, each under the hash of its sources. */
const BUILT = path.join(ROOT, 'node_modules', '.cache', 'table6-page');

/**
 * The page, by the project's own configuration. All test files share a build while its sources are the
 * same, so it stays where it is when they end.
 */
export async function buildPage(): Promise<Site> {
  const folder = path.join(BUILT, sourceHash());
  if (!existsSync(folder)) {
    const fresh = await buildInto((outDir) => ({
      configFile: path.join(ROOT, 'vite.config.ts'),
      build: { outDir, reportCompressedSize: false },
    }));
    try {
      for (const old of globSync('*', { cwd: BUILT })) removeIfOld(path.join(BUILT, old));
      renameSync(fresh.folder, folder);
    } catch {
      // Another file's test was quicker.
      if (!existsSync(folder)) return fresh;
      fresh[Symbol.dispose]();
    }
  }
  return { folder, [Symbol.dispose]: () => {} };
}

function sourceHash(): string {
  const hash = createHash('sha256');
  for (const name of SOURCES.flatMap((pattern) => globSync(pattern, { cwd: ROOT })).sort()) {
    const file = path.join(ROOT, name);
    if (statSync(file).isFile()) hash.update(`${name}\0`).update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 16);
}

/** A test that runs beside this one may still read a build of an hour. */
function removeIfOld(folder: string): void {
  const age = Date.now() - statSync(folder).mtimeMs;
  if (age > 3_600_000) rmSync(folder, { recursive: true, force: true });
}

/** The page with one of each shared component (gallery/). */
export function buildGallery(): Promise<Site> {
  return buildInto((outDir) => ({
    configFile: false,
    root: path.join(import.meta.dirname, 'gallery'),
    base: './',
    plugins: [mathematics(), svelte({ configFile: false })],
    build: { outDir, reportCompressedSize: false, assetsInlineLimit: 0 },
  }));
}

/** On the disk of the project, so that a build can be moved to its place. */
function temporaryFolder(): string {
  mkdirSync(BUILT, { recursive: true });
  return path.dirname(BUILT);
}

async function buildInto(config: (outDir: string) => Parameters<typeof build>[0]): Promise<Site> {
  const folder = mkdtempSync(path.join(temporaryFolder(), 'table6-page-'));
  // Vite builds for whom NODE_ENV says, and vitest says 'test'.
  const before = process.env.NODE_ENV;
  process.env.NODE_ENV = 'production';
  try {
    await build({ logLevel: 'error', ...config(folder) });
  } finally {
    process.env.NODE_ENV = before;
  }
  return {
    folder,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

export interface Served extends AsyncDisposable {
  /** Address of the page. */
  readonly url: string;
}

/** @param below the folder of the host that the site is in, such as `/a/b/` */
export async function serve(
  { folder }: Site,
  { isolated, below = '/' }: { isolated: boolean; below?: string },
): Promise<Served> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost');
    const name = pathname === below ? 'index.html' : pathname.slice(below.length);
    try {
      if (!pathname.startsWith(below)) throw new Error('not below the folder');
      const content = readFileSync(path.join(folder, name));
      response.setHeader('Content-Type', TYPES[path.extname(name)] ?? 'application/octet-stream');
      if (isolated) {
        for (const [header, value] of Object.entries(ISOLATION_HEADERS)) {
          response.setHeader(header, value);
        }
      }
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}${below}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** @param webgpu whether the browser offers its software GPU */
export function launch(executablePath: string, { webgpu = false } = {}): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      ...['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-component-update'],
      ...['--disable-background-networking', '--disable-sync'],
      // A camera for the picture that is taken with one.
      ...['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
      ...(webgpu ? SOFTWARE_GPU : []),
    ],
  });
}

/** A page that notes what it should not have: complaints of the console, and requests to elsewhere. */
export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  readonly complaints: string[];
  /** Pages that were loaded, each reload once more. */
  readonly loads: string[];
}

/** Each has a context of its own: no storage, no service worker of another test. */
export async function openWatched(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  const loads: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  // Requests, and not 'load' events: a page may reload before it has been loaded as a whole.
  page.on('request', (request) => {
    const isPage = request.isNavigationRequest() && request.frame() === page.mainFrame();
    if (isPage) loads.push(request.url());
  });
  context.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    const isOwn = hostname === 'localhost' || protocol === 'blob:' || protocol === 'data:';
    if (!isOwn) complaints.push(`asked ${hostname} for ${request.url()}`);
  });
  return { page, complaints, loads, [Symbol.asyncDispose]: () => context.close() };
}
