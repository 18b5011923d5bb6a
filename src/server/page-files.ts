// The built page: its files with the types that browsers insist on. Names with a hash of their content
// are kept for good, all others are asked for again. The document tells the page that it is served.

import type { Exchange } from './api.ts';
import type { Folder } from './folder.ts';
import { SERVED_META } from './protocol.ts';
import { Refusal } from './refusal.ts';
import { IMMUTABLE, REVALIDATE, sendFile, sendText } from './respond.ts';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html',
  js: 'text/javascript',
  mjs: 'text/javascript',
  css: 'text/css',
  json: 'application/json',
  map: 'application/json',
  webmanifest: 'application/manifest+json',
  wasm: 'application/wasm',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpg: 'image/jpeg',
  webp: 'image/webp',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
  txt: 'text/plain',
  safetensors: 'application/octet-stream',
  bin: 'application/octet-stream',
};

const DOCUMENT = 'index.html';
/** As Vite names them: `assets/index-D4kLw2Zq.js`. */
const HASHED = /-[\w-]{8}\.\w+$/;

/** Answers with a file of the page. @throws Refusal */
export async function answerPage(page: Folder, exchange: Exchange): Promise<void> {
  const { request, response, address } = exchange;
  const isFolder = address.path.at(-1) === '';
  const path = isFolder ? [...address.path.slice(0, -1), DOCUMENT] : address.path;
  const name = path.at(-1)!;
  await using file = await page.open(path);
  if (file === undefined) throw new Refusal(404, `The page has no file "${path.join('/')}".`);
  const type = TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
  if (path.length === 1 && name === DOCUMENT) {
    sendText(response, type, markServed(await file.handle.readFile('utf8')));
    return;
  }
  const isHashed = path[0] === 'assets' && HASHED.test(name);
  await sendFile(request, response, file, { type, cache: isHashed ? IMMUTABLE : REVALIDATE });
}

/** A page from a static site would have to ask, and log an error when there is no answer. */
function markServed(document: string): string {
  return document.replace(/<head[^>]*>/i, (head) => `${head}<meta name="${SERVED_META}">`);
}
