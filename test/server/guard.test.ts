// Who is heard, and what is never served: each refusal has its status and its sentence.

import { execFileSync } from 'node:child_process';
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Answer, errorOf, send, serve } from './support/harness.ts';
import { makeRun } from './support/runs.ts';

describe('methods', () => {
  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'])(
    '%s is refused',
    async (method) => {
      const { get } = await serve();
      const answer = await get('/api/runs', { method, ...(method === 'POST' && { body: '{}' }) });
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe('GET, HEAD');
    },
  );

  test('HEAD answers as GET does, without the body', async () => {
    const { get } = await serve();
    for (const address of ['/', '/api/runs', '/assets/index-D4kLw2Zq.js', '/nothing']) {
      const [whole, head] = [await get(address), await get(address, { method: 'HEAD' })];
      expect(head.body).toBe('');
      expect(head.status).toBe(whole.status);
      expect(head.headers['content-length']).toBe(whole.headers['content-length']);
    }
    expect((await get('/api/events', { method: 'HEAD' })).status).toBe(200);
  });
});

describe('the Host', () => {
  test.each(['localhost', 'localhost:1234', '127.0.0.1', '[::1]:8620'])(
    '%s is this machine',
    async (host) => {
      const { get } = await serve();
      expect((await get('/api/runs', { headers: { host } })).status).toBe(200);
    },
  );

  test.each([
    'evil.example',
    'localhost.evil.example',
    'evil.example:8620',
    '127.0.0.1.evil.example',
    '192.168.1.5',
    'localhost@evil.example',
    'localhost:port',
  ])('"%s" is refused: a foreign name may point here', async (host) => {
    const { get } = await serve();
    const answer = await get('/api/runs', { headers: { host } });
    expect([400, 403]).toContain(answer.status);
    expect(answer.body).not.toContain('"runs"');
  });

  test('opened to a network it answers to numbers and its own name, and to no other name', async () => {
    const { server } = await serve({ host: '0.0.0.0' });
    const url = server.url.replace('0.0.0.0', '127.0.0.1');
    const ask = (host: string) => send(url, '/api/runs', { headers: { host } });
    expect((await ask('192.168.1.5:8620')).status).toBe(200);
    expect((await ask('localhost')).status).toBe(200);
    expect((await ask('evil.example')).status).toBe(403);
  });
});

describe('pages of other sites', () => {
  const FOREIGN = { host: 'localhost:8620', origin: 'http://evil.example' };

  test('another Origin is refused, also one on this machine and the opaque one', async () => {
    const { get } = await serve();
    const ask = (origin: string) => get('/api/runs', { headers: { ...FOREIGN, origin } });
    expect((await ask('http://localhost:8620')).status).toBe(200);
    for (const origin of ['http://evil.example', 'http://localhost:3000', 'null']) {
      const answer = await ask(origin);
      expect(answer.status).toBe(403);
      expect(errorOf(answer)).toMatch(/other sites/);
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    }
  });

  test('a browser that says where a request comes from is believed', async () => {
    const { get } = await serve();
    const ask = (site: string, more = {}) =>
      get('/api/runs', { headers: { 'sec-fetch-site': site, ...more } });
    expect((await ask('same-origin')).status).toBe(200);
    expect((await ask('none')).status).toBe(200);
    expect((await ask('cross-site')).status).toBe(403);
    expect((await ask('same-site')).status).toBe(403);
    const link = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await ask('cross-site', link)).status).toBe(403);
  });

  test('a link from elsewhere opens the page, but does not embed it', async () => {
    const { get } = await serve();
    const ask = (dest: string) =>
      get('/', {
        headers: {
          'sec-fetch-site': 'cross-site',
          'sec-fetch-mode': 'navigate',
          'sec-fetch-dest': dest,
        },
      });
    expect((await ask('document')).status).toBe(200);
    expect((await ask('iframe')).status).toBe(403);
  });
});

describe('paths', () => {
  test.each([
    '/../secret.json',
    '/%2e%2e/secret.json',
    '/%2E%2E%2Fsecret.json',
    '/..%2fsecret.json',
    '/assets/../../secret.json',
    '/assets/%2e%2e/%2e%2e/secret.json',
    '/..%5csecret.json',
    '/assets\\..\\..\\secret.json',
    '/index.html%00.js',
    '/%00',
    '//etc/passwd',
    '/./index.html',
    '/%zz',
    '/api/data/cifar10/..%2f..%2fsecret.json',
    '/api/runs/..%2fsecret.json/files/config.json',
    '/api/runs/run-seed1/files/..%2f..%2f..%2fsecret.json',
    '/api/runs/run-seed1/files/checkpoints/..%2f..%2f..%2f..%2fsecret.safetensors',
    '/api/runs/%2e%2e/files/config.json',
  ])('%s leads nowhere', async (address) => {
    const { get, runs } = await serve();
    await makeRun(runs, 'run-seed1');
    const answer = await get(address);
    expect([400, 404]).toContain(answer.status);
    expect(answer.body).not.toContain('secret":');
    expect(errorOf(answer)).toMatch(/\.$/);
  });

  test('links that lead out are refused; those that stay inside are followed', async () => {
    const { get, runs, cache, page, folder } = await serve();
    const { dir } = await makeRun(runs, 'run-seed1');
    await symlink(path.join(folder, 'secret.json'), path.join(dir, 'evaluation.json'));
    await symlink(path.join(folder, 'secret.json'), path.join(dir, 'checkpoints/last.safetensors'));
    await symlink(folder, path.join(page, 'out'));
    await symlink(path.join(folder, 'secret.json'), path.join(cache, 'cifar-10-binary.tar.gz'));
    await symlink('index.html', path.join(page, 'inside.html'));
    const refused = async (address: string) => {
      const answer = await get(address);
      expect(answer.status).toBe(403);
      expect(errorOf(answer)).toMatch(/leads out/);
      expect(answer.body).not.toContain(folder);
    };
    await refused('/api/runs/run-seed1/files/evaluation.json');
    await refused('/api/runs/run-seed1/files/checkpoints/last.safetensors');
    await refused('/out/secret.json');
    await refused('/api/data/cifar10/cifar-10-binary.tar.gz');
    expect((await get('/inside.html')).status).toBe(200);
  });

  test('a configuration that is a link out tells nothing of where it leads', async () => {
    const { get, runs, folder } = await serve();
    await mkdir(path.join(runs, 'run'), { recursive: true });
    await symlink(path.join(folder, 'secret.json'), path.join(runs, 'run', 'config.json'));
    const answer = await get('/api/runs');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatch(/leads out/);
    expect(answer.body).not.toContain('secret');
  });

  test('what is no file is not there, and a pipe does not hold the server up', async () => {
    const { get, runs, page } = await serve();
    const { dir } = await makeRun(runs, 'run-seed1');
    execFileSync('mkfifo', [path.join(dir, 'log.txt')]);
    expect((await get('/api/runs/run-seed1/files/log.txt')).status).toBe(404);
    await mkdir(path.join(page, 'folder'));
    expect((await get('/folder')).status).toBe(404);
    expect((await get('/folder/')).status).toBe(404);
  });
});

describe('odd requests', () => {
  test('an address has a longest', async () => {
    const { get } = await serve();
    expect((await get(`/${'a'.repeat(5_000)}`)).status).toBe(414);
  });

  test.each([
    ['an address of another server', 'GET http://evil.example/ HTTP/1.1\r\nHost: localhost', 400],
    ['no Host', 'GET / HTTP/1.1', 400],
    ['no Host, as HTTP/1.0 may', 'GET / HTTP/1.0', 403],
    ['an empty Host', 'GET / HTTP/1.1\r\nHost:', 403],
    ['endless headers', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(20_000)}`, 431],
    ['a body', 'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999', 413],
    [
      'an endless body',
      'GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody',
      413,
    ],
    ['an asterisk', 'GET * HTTP/1.1\r\nHost: localhost', 400],
    ['no HTTP', 'hello', 400],
    [
      'two lengths',
      'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2',
      400,
    ],
  ])('%s', async (_what, head, status) => {
    const { server } = await serve();
    const { port } = new URL(server.url);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(`${head}\r\n\r\n`));
      socket.setEncoding('utf8').once('data', (text: string) => {
        socket.destroy();
        resolve(text);
      });
      socket.on('error', reject);
    });
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  test.each(['4x', '-1', '1e9', '9'.repeat(20), '../x'])('from=%s is no position', async (from) => {
    const { get, runs } = await serve();
    await makeRun(runs, 'run-seed1');
    const answer = await get(`/api/runs/run-seed1/metrics?from=${from}`);
    expect(answer.status).toBe(400);
    expect(errorOf(answer)).toMatch(/position/);
  });

  test('a configuration far too large is not read', async () => {
    const { get, runs } = await serve();
    const { dir } = await makeRun(runs, 'run-seed1');
    await writeFile(path.join(dir, 'config.json'), '');
    await truncate(path.join(dir, 'config.json'), 2 ** 33);
    const answer = await get('/api/runs');
    expect(answer.body).toMatch(/damaged: it has 8589934592 bytes/);
  });
});

describe('every answer', () => {
  test('isolates the page, cannot be embedded, and has its type', async () => {
    const { get } = await serve();
    const answers: Answer[] = [await get('/'), await get('/api/runs'), await get('/nothing')];
    for (const { headers } of answers) {
      expect(headers['cross-origin-opener-policy']).toBe('same-origin');
      expect(headers['cross-origin-embedder-policy']).toBe('require-corp');
      expect(headers['cross-origin-resource-policy']).toBe('same-origin');
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['content-security-policy']).toMatch(/frame-ancestors 'none'/);
    }
    expect(answers.map(({ headers }) => headers['content-type'])).toEqual([
      'text/html; charset=utf-8',
      'application/json; charset=utf-8',
      'application/json; charset=utf-8',
    ]);
  });
});
