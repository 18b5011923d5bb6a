// A download that can be interrupted at any moment: bytes go to `<name>.part`, the next attempt asks
// only for the rest (HTTP Range), and the file gets its name when its MD5 is the published one.
// node:http rather than fetch, because fetch would silently unpack a .gz that a server declares as
// Content-Encoding, and because only here a connection that never opens can be told from a slow one.

import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { messageOf, UserError } from '../../util/errors.ts';
import { systemCode } from '../../util/system-errors.ts';

export interface DownloadOptions {
  /** Published MD5 of the whole file, in hexadecimal. */
  readonly md5: string;
  /** Bytes on disk so far, and in all where the server says so. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to open a connection. */
  readonly connectTimeout?: number;
  /** Milliseconds without a byte before the connection is given up. */
  readonly stallTimeout?: number;
}

/** The server could not be reached, or did not give the file: nothing is wrong on this machine. */
export class DownloadError extends UserError {}

/** The archives have 170 MB. */
const MOST_BYTES = 2 ** 28;
const REDIRECTS = 5;
/** New connections after one that broke off but brought something. */
const ATTEMPTS = 4;

/**
 * Downloads `url` to `path`, continuing `path`.part when there is one.
 * @throws DownloadError without network, on an HTTP error, or on a web page instead of a file
 * @throws UserError when what arrived has another MD5 (it is then deleted)
 */
export async function download(url: string, path: string, options: DownloadOptions): Promise<void> {
  const part = `${path}.part`;
  for (let attempt = 1; ; attempt++) {
    const before = await sizeOf(part);
    try {
      await fetchRest(new URL(url), part, before, options);
      break;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof UserError) throw error;
      if (isOfThisMachine(error)) {
        throw new UserError(`${part} cannot be written: ${reasonOf(error)}`, { cause: error });
      }
      const after = await sizeOf(part);
      if (after > before && attempt < ATTEMPTS) continue;
      const kept = after > 0 ? `; the ${after.toLocaleString('en')} bytes so far are kept` : '';
      throw new DownloadError(`${url} cannot be downloaded: ${reasonOf(error)}${kept}`, {
        cause: error,
      });
    }
  }
  const md5 = await md5OfFile(part);
  if (md5 !== options.md5) {
    await rm(part, { force: true });
    throw new UserError(
      `${url} gave a file with MD5 ${md5} instead of ${options.md5}: it was deleted; run the command ` +
        'again, and if it happens again use another mirror (TABLE6_MIRROR)',
    );
  }
  await rename(part, path);
}

/** The MD5 of a file, in hexadecimal. */
export async function md5OfFile(path: string): Promise<string> {
  const hash = createHash('md5');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.size,
    () => 0,
  );
}

/** Appends what is missing to the part file. */
async function fetchRest(url: URL, part: string, have: number, options: DownloadOptions) {
  const response = await request(url, have, options, REDIRECTS);
  const status = response.statusCode ?? 0;
  if (status === 416) {
    // Nothing after the last byte we have: complete, or a leftover of something longer. The MD5
    // decides, and deletes it if it is wrong.
    response.destroy();
    return;
  }
  if (status !== 200 && status !== 206) {
    response.destroy();
    throw new DownloadError(`${url} cannot be downloaded: the server answered ${status}`);
  }
  if (response.headers['content-type']?.startsWith('text/html')) {
    response.destroy();
    throw new DownloadError(
      `${url} gave a web page (HTML) instead of the archive: is there a login page or a proxy in ` +
        'between?',
    );
  }
  // A server that ignores Range sends all of it again.
  const range = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '');
  const start = status === 206 && Number(range?.[1]) === have ? have : 0;
  if (status === 206 && start !== have) {
    response.destroy();
    await rm(part, { force: true });
    throw new Error('the server sent another part of the file than was asked for');
  }
  const length = Number(response.headers['content-length'] ?? Number.NaN);
  const total = Number.isFinite(length) ? start + length : undefined;
  let done = start;
  response.on('data', (chunk: Buffer) => {
    done += chunk.length;
    if (done > MOST_BYTES) {
      response.destroy(new DownloadError(`${url} does not end: it is not the archive`));
    }
    options.onProgress?.(done, total);
  });
  await pipeline(response, createWriteStream(part, { flags: start > 0 ? 'a' : 'w' }), {
    signal: options.signal,
  });
  if (total !== undefined && done !== total) throw new Error('the connection broke off');
}

function request(
  url: URL,
  have: number,
  options: DownloadOptions,
  redirects: number,
): Promise<IncomingMessage> {
  const { connectTimeout = 5000, stallTimeout = 30_000, signal } = options;
  return new Promise((resolve, reject) => {
    const get = url.protocol === 'https:' ? getHttps : getHttp;
    const headers: Record<string, string> = { 'Accept-Encoding': 'identity' };
    if (have > 0) headers.Range = `bytes=${have}-`;
    const outgoing = get(url, { headers, signal }, (response) => {
      const { location } = response.headers;
      if ((response.statusCode ?? 0) >= 300 && (response.statusCode ?? 0) < 400 && location) {
        response.destroy();
        if (redirects === 0) reject(new Error('too many redirections'));
        else request(new URL(location, url), have, options, redirects - 1).then(resolve, reject);
        return;
      }
      resolve(response);
    });
    // Covers the name lookup too, which without a network can take longer than connecting.
    const noAnswer = setTimeout(() => {
      outgoing.destroy(new Error(`no connection within ${connectTimeout / 1000} s`));
    }, connectTimeout);
    outgoing.on('socket', (socket) => {
      const connected = url.protocol === 'https:' ? 'secureConnect' : 'connect';
      if (socket.connecting) socket.once(connected, () => clearTimeout(noAnswer));
      else clearTimeout(noAnswer);
    });
    outgoing.on('close', () => clearTimeout(noAnswer));
    outgoing.setTimeout(stallTimeout, () => {
      outgoing.destroy(new Error(`nothing arrived for ${stallTimeout / 1000} s`));
    });
    outgoing.on('error', reject);
  });
}

/** No permission or no space: trying again, or another server, would not help. */
function isOfThisMachine(error: unknown): boolean {
  const codes = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EISDIR'];
  return codes.includes(systemCode(error) ?? '');
}

/** Short reason for a failed connection; Node's own text repeats host names and codes. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  const code = systemCode(error);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its server is not found (no network?)';
  if (code === 'ECONNREFUSED') return 'the connection is refused';
  if (code === 'ECONNRESET') return 'the connection broke off';
  if (code === 'ENOSPC') return 'the disk is full';
  return messageOf(error);
}
