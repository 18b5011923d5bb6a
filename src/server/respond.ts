// Answers: the headers that every one has, JSON, files and refusals.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { systemCode } from '../util/system-errors.ts';
import type { OpenFile } from './folder.ts';
import { Refusal } from './refusal.ts';

/**
 * Isolation is what gives the page shared memory, and so threads. Nothing comes from elsewhere, and
 * nobody may embed it.
 */
export const COMMON_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Content-Security-Policy': [
    "default-src 'self'",
    // The kernels are generated in the page, and compiled there.
    "script-src 'self' 'wasm-unsafe-eval'",
    "img-src 'self' blob: data:",
    "connect-src 'self' blob:",
    ...["object-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ].join('; '),
} as const;

/** Kept, but asked for again each time: whether it is still the same costs a few bytes. */
export const REVALIDATE = 'no-cache';
/** Of files with a hash of their content in their name. */
export const IMMUTABLE = 'public, max-age=31536000, immutable';

export function sendJson(response: ServerResponse, value: unknown): void {
  sendText(response, 'application/json', JSON.stringify(value));
}

/** @param body in one piece; not kept by the browser */
export function sendText(response: ServerResponse, type: string, body: string): void {
  const bytes = Buffer.from(body);
  response.writeHead(200, {
    'Content-Type': withCharset(type),
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
  });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}

/** Sends as much of a file as it had when it was opened; 304 where the browser has it already. */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: OpenFile,
  { type, cache = REVALIDATE }: { type: string; cache?: string },
): Promise<void> {
  const etag = `"${file.tag}"`;
  const headers = { ETag: etag, 'Cache-Control': cache };
  const known = request.headers['if-none-match']?.split(',').map((tag) => tag.trim()) ?? [];
  if (known.includes(etag) || known.includes(`W/${etag}`)) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, {
    ...headers,
    'Content-Type': withCharset(type),
    'Content-Length': file.bytes,
  });
  if (request.method === 'HEAD' || file.bytes === 0) {
    response.end();
    return;
  }
  const content = file.handle.createReadStream({ end: file.bytes - 1, autoClose: false });
  try {
    await pipeline(content, response);
  } catch (error) {
    // The reader went away.
    if (systemCode(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

/** Says why not. What went wrong inside is no business of whoever asked. */
export function sendRefusal(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, message, headers } =
    error instanceof Refusal ? error : new Refusal(500, 'The server could not read this.');
  const body = Buffer.from(JSON.stringify({ error: message }));
  response.writeHead(status, {
    ...headers,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

function withCharset(type: string): string {
  return /^text\/|json$|javascript$|svg/.test(type) ? `${type}; charset=utf-8` : type;
}
