// The page's own files and the data cache: types, what browsers keep, and what is missing.

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ensurePage } from '../../src/server/page-build.ts';
import type { CachedData } from '../../src/server/protocol.ts';
import { temporaryFolder } from '../runs/support/hosts.ts';
import { errorOf, serve } from './support/harness.ts';

describe('the page', () => {
  test('its document says that it is served, and is asked for each time', async () => {
    const { get } = await serve();
    for (const address of ['/', '/index.html', '/?chapter=train']) {
      const answer = await get(address);
      expect(answer.body).toContain('<head><meta name="table6-served">');
      expect(answer.headers['cache-control']).toBe('no-store');
    }
  });

  test('files named after their content are kept for good, others are asked for again', async () => {
    const { get, page } = await serve();
    await writeFile(path.join(page, 'icon.svg'), '<svg/>');
    const hashed = await get('/assets/index-D4kLw2Zq.js');
    expect(hashed.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(hashed.headers['cache-control']).toMatch(/immutable/);
    const icon = await get('/icon.svg');
    expect(icon.headers['content-type']).toBe('image/svg+xml; charset=utf-8');
    expect(icon.headers['cache-control']).toBe('no-cache');
    const again = await get('/icon.svg', { headers: { 'if-none-match': icon.headers.etag } });
    expect(again.status).toBe(304);
    await writeFile(path.join(page, 'icon.svg'), '<svg></svg>');
    const changed = await get('/icon.svg', { headers: { 'if-none-match': icon.headers.etag } });
    expect(changed.body).toBe('<svg></svg>');
  });

  test.each([
    ['module.mjs', 'text/javascript; charset=utf-8'],
    ['style.css', 'text/css; charset=utf-8'],
    ['kernels.wasm', 'application/wasm'],
    ['picture.png', 'image/png'],
    ['resnet20.safetensors', 'application/octet-stream'],
    ['unknown.xyz', 'application/octet-stream'],
  ])('%s is %s', async (name, type) => {
    const { get, page } = await serve();
    await writeFile(path.join(page, name), 'x');
    expect((await get(`/${name}`)).headers['content-type']).toBe(type);
  });

  test('what is not there is said', async () => {
    const { get } = await serve();
    const answer = await get('/missing.js');
    expect(answer.status).toBe(404);
    expect(errorOf(answer)).toBe('The page has no file "missing.js".');
    expect((await get('/api/nothing')).status).toBe(404);
    expect((await get('/api')).status).toBe(404);
  });
});

describe('where the page is', () => {
  test('built, it is taken as it is', async () => {
    const root = await temporaryFolder();
    await mkdir(path.join(root, 'dist/web'), { recursive: true });
    await writeFile(path.join(root, 'dist/web/index.html'), '');
    const built: string[] = [];
    expect(await ensurePage(() => built.push('built'), root)).toBe(path.join(root, 'dist/web'));
    expect(built).toEqual([]);
  });

  test('without the tools it says what to run', async () => {
    const root = await temporaryFolder();
    await expect(ensurePage(() => {}, root)).rejects.toThrow(/run "npm ci && npm run build:web"/);
  });

  test('with them it is built once, and a build that fails gives its reason', async () => {
    const root = await temporaryFolder();
    await mkdir(path.join(root, 'node_modules/vite'), { recursive: true });
    const script = async (command: string) =>
      writeFile(
        path.join(root, 'package.json'),
        JSON.stringify({ scripts: { 'build:web': command } }),
      );
    await script('echo no such component && exit 3');
    await expect(ensurePage(() => {}, root)).rejects.toThrow(/could not be built \(.*\): see/);
    await script('mkdir -p dist/web && echo page > dist/web/index.html');
    const told: string[] = [];
    expect(await ensurePage(() => told.push('building'), root)).toBe(path.join(root, 'dist/web'));
    expect(told).toEqual(['building']);
  });
});

describe('the data cache', () => {
  test('tells which files it has and gives their bytes', async () => {
    const { get, json, cache } = await serve();
    expect(await json<CachedData>('/api/data/cifar10')).toEqual({ dataset: 'cifar10', files: [] });
    await mkdir(path.join(cache, 'cifar-10-batches-bin'));
    await writeFile(path.join(cache, 'cifar-10-batches-bin', 'test_batch.bin'), 'images');
    await writeFile(path.join(cache, 'cifar-10-batches-bin', 'readme.html'), 'private');
    await writeFile(path.join(cache, 'cifar-10-python.tar.gz'), 'an archive');
    expect(await json<CachedData>('/api/data/cifar10')).toEqual({
      dataset: 'cifar10',
      files: [
        { name: 'test_batch.bin', bytes: 6 },
        { name: 'cifar-10-python.tar.gz', bytes: 10 },
      ],
    });
    expect(await get('/api/data/cifar10/test_batch.bin')).toMatchObject({
      status: 200,
      body: 'images',
    });
    expect((await get('/api/data/cifar10/data_batch_1.bin')).status).toBe(404);
    expect((await get('/api/data/cifar10/readme.html')).status).toBe(404);
    expect((await get('/api/data/webgpu-tiles.json')).status).toBe(404);
  });
});
