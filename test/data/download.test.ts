// Downloads survive interruption and never leave a wrong file behind, against a server on this
// machine.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { isCached, type LoadEvent, loadDataset } from '../../src/data/load.node.ts';
import { DownloadError, download } from '../../src/data/node/download.ts';
import { putAll, tarOf, temporaryFolder, tinyCifar10 } from './fixtures.ts';

const root = temporaryFolder();
const content = Buffer.from(Array.from({ length: 500_000 }, (_, i) => (i * i) >> 3));
const md5 = createHash('md5').update(content).digest('hex');

let answer: (request: IncomingMessage, response: ServerResponse) => void;
const ranges: (string | undefined)[] = [];
const server = createServer((request, response) => {
  ranges.push(request.headers.range);
  answer(request, response);
});
let base = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

let files = 0;
let path = '';
beforeEach(() => {
  path = join(root, `download-${files++}`);
  ranges.length = 0;
});

/** A server that understands Range. */
function serve(request: IncomingMessage, response: ServerResponse): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (start >= content.length) {
    response.writeHead(416, { 'Content-Range': `bytes */${content.length}` }).end();
    return;
  }
  response.writeHead(start > 0 ? 206 : 200, {
    'Content-Length': content.length - start,
    ...(start > 0 && { 'Content-Range': `bytes ${start}-${content.length - 1}/${content.length}` }),
  });
  response.end(content.subarray(start));
}

/** Sends the first `bytes` bytes, and goes on when the client has them on disk. */
async function send(response: ServerResponse, bytes: number): Promise<void> {
  response.writeHead(200, { 'Content-Length': content.length });
  response.write(content.subarray(0, bytes));
  const part = `${path}.part`;
  while (!existsSync(part) || statSync(part).size < bytes) await sleep(5);
}

/** A server that breaks the connection off after `bytes` bytes. */
function breakOffAfter(bytes: number) {
  return async (_: IncomingMessage, response: ServerResponse) => {
    await send(response, bytes);
    response.destroy();
  };
}

describe('download', () => {
  test('brings the file and reports bytes on the way', async () => {
    answer = serve;
    const progress: [number, number | undefined][] = [];
    await download(`${base}/x`, path, { md5, onProgress: (...now) => progress.push(now) });
    expect(readFileSync(path)).toEqual(content);
    expect(existsSync(`${path}.part`)).toBe(false);
    expect(progress.at(-1)).toEqual([content.length, content.length]);
    expect(progress.every(([done], i) => i === 0 || done > progress[i - 1]![0])).toBe(true);
  });

  test('goes on where a connection broke off', async () => {
    let calls = 0;
    answer = (request, response) =>
      calls++ === 0 ? breakOffAfter(200_000)(request, response) : serve(request, response);
    await download(`${base}/x`, path, { md5 });
    expect(readFileSync(path)).toEqual(content);
    expect(ranges).toEqual([undefined, 'bytes=200000-']);
  });

  test('goes on from what an earlier process left', async () => {
    putAll(root, { [`download-${files - 1}.part`]: content.subarray(0, 123_456) });
    answer = serve;
    const progress: number[] = [];
    await download(`${base}/x`, path, { md5, onProgress: (done) => progress.push(done) });
    expect(ranges).toEqual(['bytes=123456-']);
    expect(progress[0]).toBeGreaterThan(123_456);
    expect(readFileSync(path)).toEqual(content);
  });

  test('only names the file when the earlier process had all of it', async () => {
    putAll(root, { [`download-${files - 1}.part`]: content });
    answer = serve;
    await download(`${base}/x`, path, { md5 });
    expect(readFileSync(path)).toEqual(content);
  });

  test('starts again where the server does not understand Range', async () => {
    putAll(root, { [`download-${files - 1}.part`]: content.subarray(0, 1000) });
    answer = (_, response) => response.end(content);
    await download(`${base}/x`, path, { md5 });
    expect(readFileSync(path)).toEqual(content);
  });

  test('keeps what it has when the server never gives more, and says so', async () => {
    let calls = 0;
    answer = (request, response) =>
      calls++ === 0 ? breakOffAfter(1000)(request, response) : response.destroy();
    await expect(download(`${base}/x`, path, { md5 })).rejects.toThrow(
      /cannot be downloaded: .*; the 1,000 bytes so far are kept/,
    );
    expect(readFileSync(`${path}.part`)).toEqual(content.subarray(0, 1000));
  });

  test('a wrong MD5 is said, and the file deleted', async () => {
    answer = serve;
    const wrong = '0'.repeat(32);
    await expect(download(`${base}/x`, path, { md5: wrong })).rejects.toThrow(
      `${base}/x gave a file with MD5 ${md5} instead of ${wrong}: it was deleted`,
    );
    expect(existsSync(path)).toBe(false);
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  test('follows redirections', async () => {
    answer = (request, response) =>
      request.url === '/x'
        ? response.writeHead(302, { Location: '/y' }).end()
        : serve(request, response);
    await download(`${base}/x`, path, { md5 });
    expect(readFileSync(path)).toEqual(content);
    answer = (_, response) => response.writeHead(302, { Location: '/x' }).end();
    await expect(download(`${base}/x`, `${path}-2`, { md5 })).rejects.toThrow(
      /too many redirections/,
    );
  });

  test('a web page or an error is said as such', async () => {
    answer = (_, response) =>
      response.setHeader('Content-Type', 'text/html').end('<html>login</html>');
    await expect(download(`${base}/x`, path, { md5 })).rejects.toThrow(
      `${base}/x gave a web page (HTML) instead of the archive: is there a login page or a proxy`,
    );
    answer = (_, response) => response.writeHead(404).end();
    await expect(download(`${base}/x`, path, { md5 })).rejects.toThrow('the server answered 404');
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  test('gives up on a server that goes silent', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'Content-Length': content.length });
      response.write(content.subarray(0, 10));
    };
    const stalled = download(`${base}/x`, path, { md5, stallTimeout: 100 });
    await expect(stalled).rejects.toThrow(DownloadError);
  });

  test('can be aborted, and keeps what it has', async () => {
    const controller = new AbortController();
    answer = async (_, response) => {
      await send(response, 5000);
      controller.abort();
    };
    const running = download(`${base}/x`, path, { md5, signal: controller.signal });
    await expect(running).rejects.toThrow(/abort/);
    expect(readFileSync(`${path}.part`)).toHaveLength(5000);
  });

  test('an unreachable server is told in one line', async () => {
    await expect(download('http://127.0.0.1:1/x', path, { md5 })).rejects.toThrow(
      'http://127.0.0.1:1/x cannot be downloaded: the connection is refused',
    );
  });

  test('a folder that cannot be written is not blamed on the network', async () => {
    answer = serve;
    putAll(root, { [`download-${files - 1}.part/in-the-way`]: '' });
    const failed = download(`${base}/x`, path, { md5 });
    await expect(failed).rejects.toThrow(/\.part cannot be written/);
    await expect(failed).rejects.not.toThrow(DownloadError);
  });
});

describe('cifar10 by name', () => {
  let cache = '';
  beforeEach(() => {
    cache = join(root, `cache-${files++}`);
    vi.stubEnv('TABLE6_DATA', cache);
    vi.stubEnv('TABLE6_MIRROR', base);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('comes from the cache when it is there, without the network', async () => {
    putAll(join(cache, 'cifar-10-batches-bin'), tinyCifar10());
    answer = (_, response) => response.writeHead(500).end();
    expect(isCached('cifar10')).toBe(true);
    expect(isCached('cifar100')).toBe(false);
    const data = await loadDataset('cifar10');
    expect(data.train.count).toBe(50);
    expect(ranges).toEqual([]);
  });

  test('is downloaded from TABLE6_MIRROR otherwise, and checked against the published MD5', async () => {
    answer = serve;
    const events: LoadEvent[] = [];
    const loading = loadDataset('cifar10', { onProgress: (event) => events.push(event) });
    await expect(loading).rejects.toThrow(
      `${base}/cifar-10-binary.tar.gz gave a file with MD5 ${md5} instead of ` +
        'c32a1d4ab5d03f1284b67883e8d87530: it was deleted',
    );
    expect(events.at(-1)).toEqual({
      kind: 'download',
      file: 'cifar-10-binary.tar.gz',
      done: content.length,
      total: content.length,
    });
    expect(isCached('cifar10')).toBe(false);
  });

  test('without a network: says where the archive can be put by hand', async () => {
    vi.stubEnv('TABLE6_MIRROR', 'http://127.0.0.1:1/');
    const loading = loadDataset('cifar100');
    await expect(loading).rejects.toThrow(
      `cifar100 is not in ${cache}, and http://127.0.0.1:1/cifar-100-binary.tar.gz cannot be ` +
        'downloaded: the connection is refused; try again, or put cifar-100-binary.tar.gz (from ' +
        `https://www.cs.toronto.edu/~kriz/) into ${cache} by hand, or use a folder of images`,
    );
    await expect(loading).rejects.toThrow(DownloadError);
  });

  test('offline: the network is not even tried', async () => {
    await expect(loadDataset('cifar10', { offline: true })).rejects.toThrow(
      `cifar10 is not in ${cache}, and downloads are off: put cifar-10-binary.tar.gz (from`,
    );
    expect(ranges).toEqual([]);
  });

  test('an archive put there by hand is checked, and a wrong one explained', async () => {
    const tar = gzipSync(await tarOf({ 'cifar-10-batches-bin/test_batch.bin': 'x' }));
    putAll(cache, { 'cifar-10-binary.tar.gz': tar });
    await expect(loadDataset('cifar10')).rejects.toThrow(
      /cifar-10-binary\.tar\.gz has MD5 [0-9a-f]{32} instead of c32a1d4ab5d03f1284b67883e8d87530: delete/,
    );
    putAll(cache, { 'cifar-10-binary.tar.gz': '<html>Sign in</html>' });
    await expect(loadDataset('cifar10')).rejects.toThrow(/is a web page \(HTML\), not an archive/);
  });

  test('a mirror that is not a web address', async () => {
    vi.stubEnv('TABLE6_MIRROR', '/mnt/mirror');
    await expect(loadDataset('cifar10')).rejects.toThrow(
      'TABLE6_MIRROR is not a web address: /mnt/mirror',
    );
  });

  test('a cache folder that cannot be made', async () => {
    putAll(root, { 'a-file': '' });
    vi.stubEnv('TABLE6_DATA', join(root, 'a-file', 'cache'));
    await expect(loadDataset('cifar10')).rejects.toThrow(
      /the data cache .* cannot be made \(.*\): set TABLE6_DATA to a folder that can be written/,
    );
  });
});
