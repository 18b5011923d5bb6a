// The package as packed installs into an empty project, and the examples run there: on Node, with
// types, from the command line, and bundled in a browser with and without threads.

import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodePng } from '../../src/formats/png.node.ts';
import { writePyTorch } from '../../src/interop/pytorch/write.ts';
import { initializeWeights } from '../../src/nn/initialize.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { randomStream } from '../../src/util/random.ts';
import { REPOSITORY } from '../cli/run-table6.ts';
import { findChromium } from '../support/chromium.ts';
import { copyExample, installInto, lend, type Packed, packPackage, tool } from './project.ts';

const run = promisify(execFile);
const folder = mkdtempSync(path.join(tmpdir(), 'table6-package-'));
const project = path.join(folder, 'project');
const at = (name: string) => path.join(project, name);

let packed: Packed;
let problem: string | undefined;
beforeAll(async () => {
  packed = await packPackage(folder);
  problem = await installInto(project, packed.tarball);
  if (problem !== undefined) return console.warn(`skipped: ${problem}`);
  writeFileSync(at('weights.th'), writePyTorch(initializeWeights(createNetwork('resnet8'), 3)));
  const random = randomStream(1, 'packaging');
  for (const [name, side] of [
    ['small.png', 32],
    ['large.png', 96],
  ] as const) {
    const pixels = Uint8Array.from({ length: side * side * 3 }, () => random.integer(256));
    writeFileSync(at(name), encodePng({ width: side, height: side, pixels }));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the tarball', () => {
  test('has the build and the command, and none of the sources or tests', () => {
    const tops = new Set(packed.files.map((file) => file.split('/')[0]));
    expect([...tops].sort()).toEqual([
      ...['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md'],
      ...['bin', 'dist', 'docs', 'notebook', 'package.json'],
    ]);
    for (const file of [
      ...['bin/table6.js', 'dist/index.js', 'dist/index.d.ts', 'dist/browser.js'],
      ...['dist/cli/main.js', 'dist/engine/wasm/worker.node.js'],
      ...['dist/engine/wasm/worker.browser.js', 'dist/engine/wasm/worker.js'],
      ...['dist/web/index.html', 'dist/web/isolation-worker.js'],
    ]) {
      expect(packed.files).toContain(file);
    }
    expect(packed.files.filter((file) => /(?<!\.d)\.ts$/.test(file))).toEqual([]);
  });

  test('has what its README links to', () => {
    const text = readFileSync(path.join(REPOSITORY, 'README.md'), 'utf8');
    const links = [...text.matchAll(/\]\((?!#|https?:)([^)#]+)/g)].map(([, link]) => link!);
    expect(links.length).toBeGreaterThan(5);
    for (const link of links) {
      expect(
        packed.files.some((file) => file.startsWith(link)),
        link,
      ).toBe(true);
    }
  });

  test('is as small as docs/library.md says', () => {
    const text = readFileSync(path.join(REPOSITORY, 'docs', 'library.md'), 'utf8');
    const stated = /(\d+) KB packed, ([\d.]+) MB unpacked/.exec(text);
    const ratios = [packed.bytes / 1e3, packed.unpackedBytes / 1e6].map(
      (size, i) => size / Number(stated?.[i + 1]),
    );
    // Further away than this, the sentence should be changed.
    for (const ratio of ratios) {
      expect(ratio).toBeGreaterThan(0.75);
      expect(ratio).toBeLessThan(1.25);
    }
  });

  test('needs no package that compiles or downloads anything on install', () => {
    const lock = JSON.parse(readFileSync(path.join(REPOSITORY, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean; optional?: boolean; hasInstallScript?: boolean }>;
    };
    const required = Object.entries(lock.packages).filter(
      ([name, { dev, optional }]) => name !== '' && !dev && !optional,
    );
    expect(required.length).toBeGreaterThan(3);
    expect(required.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
  });
});

/** A Node.js that is older than the oldest one that runs the library. */
const oldNode = ['/usr/bin/node', '/usr/local/bin/node'].find((file) => {
  const { stdout } = spawnSync(file, ['--version'], { encoding: 'utf8' });
  return Number(/^v(\d+)/.exec(stdout ?? '')?.[1] ?? 99) < 24;
});

describe('installed into an empty project', () => {
  test('on a Node.js that is too old it says so', async (context) => {
    if (problem !== undefined) return context.skip(problem);
    if (oldNode === undefined) return context.skip('needs an older Node.js');
    const { stderr } = spawnSync(oldNode, ['--input-type=module', '-e', "import 'table6'"], {
      cwd: project,
      encoding: 'utf8',
    });
    expect(stderr).toMatch(/table6 needs Node\.js 24 or newer, and this is Node\.js \d+/);
  });

  test('the command runs', async (context) => {
    if (problem !== undefined) return context.skip(problem);
    const command = at('node_modules/.bin/table6');
    const { stdout } = await run(command, ['info', 'weights.th'], { cwd: project });
    expect(stdout).toMatch(/^network +resnet8, shortcut A$/m);
  });

  test('the page comes with it', async (context) => {
    if (problem !== undefined) return context.skip(problem);
    const args = ['ui', 'runs', '--port', '0', '--json'];
    const server = spawn(at('node_modules/.bin/table6'), args, { cwd: project });
    try {
      const [line] = (await once(server.stdout, 'data')) as [Buffer];
      const { url } = JSON.parse(String(line)) as { url: string };
      const answer = await fetch(url);
      expect(await answer.text()).toContain('<title>table6');
      expect(answer.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    } finally {
      server.kill();
    }
  });

  test('the Node example runs, types included', async (context) => {
    if (problem !== undefined) return context.skip(problem);
    lend(project, 'sharp', '@types/node', 'undici-types');
    const example = copyExample('node', project);
    const args = [at('weights.th'), at('small.png'), at('large.png')];
    const lines = await classifyOnNode(example, args);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/small\.png: \w+ \d+\.\d %, else \w+ \d+\.\d %$/);
    const command = at('node_modules/.bin/table6');
    const { stdout } = await run(command, ['predict', ...args, '--json'], { cwd: project });
    const { predictions } = JSON.parse(stdout) as {
      predictions: { image: string; classes: { name: string; probability: number }[] }[];
    };
    for (const [i, { image, classes }] of predictions.entries()) {
      const share = (100 * classes[0]!.probability).toFixed(1);
      expect(lines[i]).toContain(`${image}: ${classes[0]!.name} ${share} %`);
    }
    const strict = ['--noEmit', '--strict', '--target', 'es2024', '--module', 'nodenext'];
    const lib = ['--lib', 'es2024,esnext.disposable', '--types', 'node'];
    const documented = writeDocumented(example, (code) => !code.includes('document.'));
    await typeCheck(example, [...strict, ...lib, 'classify.ts', ...documented]);
  });

  test('the browser example runs, with threads and without', async (context) => {
    const browser = findChromium();
    if (problem !== undefined || browser === undefined) return context.skip(problem);
    const example = copyExample('browser', project);
    const strict = ['--noEmit', '--strict', '--target', 'es2024', '--module', 'esnext'];
    const resolution = ['--moduleResolution', 'bundler', '--customConditions', 'browser'];
    const lib = ['--lib', 'es2024,dom,dom.iterable,esnext.disposable', '--types', ''];
    const documented = writeDocumented(example, (code) => code.includes('document.'));
    const files = ['classify.ts', ...documented];
    await typeCheck(example, [...strict, ...resolution, ...lib, ...files]);
    // As most projects are set up: no condition of the browser's, no types of Node.js, declarations checked.
    const usual = [
      '--moduleResolution',
      'bundler',
      '--lib',
      'es2022,dom,dom.iterable',
      '--types',
      '',
    ];
    await typeCheck(example, [...strict, ...usual, '--skipLibCheck', 'false', ...files]);
    const { build } = (await import('vite')) as { build(options: object): Promise<unknown> };
    await build({ root: example, logLevel: 'error' });

    const opened = await chromium.launch({ executablePath: browser, args: ['--no-sandbox'] });
    try {
      const threaded = await classifyInPage(opened, path.join(example, 'dist'), true);
      const alone = await classifyInPage(opened, path.join(example, 'dist'), false);
      const threads = Math.min(4, availableParallelism());
      expect(threaded.at(-1)).toContain(`(resnet8; wasm, ${threads} thread`);
      expect(alone.at(-1)).toContain('(resnet8; wasm, 1 thread, ');
      expect(threaded.slice(0, 2)).toEqual(alone.slice(0, 2));
      // A picture that needs no resizing is the same pixels everywhere.
      const node = copyExample('node', project);
      const [line] = await classifyOnNode(node, [at('weights.th'), at('small.png')]);
      expect(line).toBe(at(threaded[0]!));
    } finally {
      await opened.close();
    }
  });
});

/**
 * Writes the programs in docs/library.md as files of a folder.
 * @returns their names
 */
function writeDocumented(to: string, isWanted: (code: string) => boolean): string[] {
  const text = readFileSync(path.join(REPOSITORY, 'docs', 'library.md'), 'utf8');
  const programs = [...text.matchAll(/```ts\n(.*?)```/gs)]
    .map(([, code]) => code!)
    .filter(isWanted);
  expect(programs.length).toBeGreaterThan(0);
  return programs.map((code, i) => {
    writeFileSync(path.join(to, `documented-${i}.ts`), code);
    return `documented-${i}.ts`;
  });
}

async function classifyOnNode(example: string, args: readonly string[]): Promise<string[]> {
  const { stdout } = await run(process.execPath, ['classify.ts', ...args], { cwd: example });
  return stdout.trim().split('\n');
}

/** What the page of the browser example prints. */
async function classifyInPage(browser: Browser, root: string, isolated: boolean) {
  const server = await serve(root, isolated);
  const page = await browser.newPage();
  try {
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    await page.setInputFiles('#weights', at('weights.th'));
    await page.setInputFiles('#pictures', [at('small.png'), at('large.png')]);
    await page.waitForFunction("document.querySelector('#output').textContent !== ''");
    return ((await page.textContent('#output')) ?? '').split('\n');
  } finally {
    await page.close();
    server.close();
  }
}

async function typeCheck(folder: string, args: readonly string[]): Promise<void> {
  await tool('tsc', args, folder).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
}

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };

/** Serves a folder, cross-origin isolated or not. */
async function serve(root: string, isolated: boolean): Promise<Server> {
  const server = createServer((request, response) => {
    const name = request.url === '/' ? 'index.html' : decodeURI(request.url!.slice(1));
    try {
      const content = readFileSync(path.join(root, name));
      response.setHeader('Content-Type', TYPES[path.extname(name)] ?? 'application/octet-stream');
      if (isolated) {
        response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
        response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
      }
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return server;
}
