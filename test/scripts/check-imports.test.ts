// The guard of the layers: what it must let through, what it must stop, and that `src` is clean.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { checkFile, checkFolder } from '../../scripts/check-imports.ts';

const reasons = (file: string, source: string) =>
  checkFile(file, source).map(({ reason }) => reason);

test('this repository keeps its layers', () => {
  expect(checkFolder(path.join(import.meta.dirname, '..', '..', 'src'))).toEqual([]);
});

test('an import may point down or stay', () => {
  expect(
    reasons(
      'train/loop.ts',
      "import { createNetwork } from '../nn/network.ts';\nimport { addToMeter } from './meters.ts';\nimport { z } from 'zod';",
    ),
  ).toEqual([]);
});

test('an import that points up is named with its line', () => {
  const source =
    "// a comment\nimport { z } from 'zod';\nimport { train } from '../train/loop.ts';\n";
  expect(checkFile('nn/network.ts', source)).toEqual([
    { file: 'nn/network.ts', line: 3, reason: 'nn may not import train, which is above it' },
  ]);
});

test.each([
  ["export { x } from '../cli/main.ts';", 're-export'],
  ["import type { X } from '../cli/main.ts';", 'type'],
  ["import {\n  a,\n  b,\n} from '../cli/main.ts';", 'several lines'],
  ["import '../cli/main.ts';", 'side effect'],
  ["const m = await import('../cli/main.ts');", 'dynamic'],
])('finds %j (%s)', (source) => {
  expect(reasons('engine/backend.ts', source)).toEqual([
    'engine may not import cli, which is above it',
  ]);
});

test('an import in a comment is none', () => {
  expect(reasons('nn/a.ts', "// import '../cli/main.ts';\n/* import '../cli/main.ts'; */")).toEqual(
    [],
  );
});

test('neighbours are independent unless the table says so', () => {
  expect(reasons('engine/a.ts', "import '../nn/network.ts';")).toEqual([]);
  expect(reasons('nn/a.ts', "import '../engine/program.ts';")).toEqual([
    'nn may not import its neighbour engine',
  ]);
});

test('node: modules stay in files that say they are for Node', () => {
  const source = "import { readFile } from 'node:fs/promises';";
  expect(reasons('train/loop.ts', source)).toEqual([
    'train runs in a browser too and may not import node:fs/promises',
  ]);
  expect(reasons('data/load.node.ts', source)).toEqual([]);
  expect(reasons('data/node/cache.ts', source)).toEqual([]);
  expect(reasons('runs/folder.ts', source)).toEqual([]);
});

test('host-free code may not reach a host file, except for its types', () => {
  expect(reasons('engine/a.ts', "import { host } from './wasm/host.node.ts';")).toHaveLength(1);
  expect(reasons('engine/a.ts', "import type { Host } from './wasm/host.node.ts';")).toEqual([]);
});

test('neither the DOM nor Node’s globals in host-free code', () => {
  expect(reasons('nn/a.ts', 'const w = window.innerWidth;')).toEqual([
    'nn may not touch the DOM: window',
  ]);
  expect(reasons('engine/a.ts', 'const cores = process.env;')).toEqual([
    "engine may not touch Node's globals: process",
  ]);
  expect(reasons('engine/a.ts', "throw new Error('the process. ended; window.');")).toEqual([]);
  expect(reasons('engine/a.ts', 'function f(window: Range) { return window.first; }')).toEqual([]);
  expect(reasons('data/a.ts', 'let c: HTMLCanvasElement;')).toEqual([
    'data may not touch the DOM: HTMLCanvasElement',
  ]);
});

test('a folder that no layer names is a violation', () => {
  expect(reasons('stuff/a.ts', 'export const a = 1;')[0]).toMatch(/"stuff" is in no layer/);
});

test('the command fails and prints file:line', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'table6-imports-'));
  try {
    await mkdir(path.join(folder, 'nn'));
    await writeFile(path.join(folder, 'nn', 'bad.ts'), "\nimport '../cli/main.ts';\n");
    const script = path.join(import.meta.dirname, '..', '..', 'scripts', 'check-imports.ts');
    const failure: unknown = await promisify(execFile)(process.execPath, [script, folder]).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 1 });
    expect(String((failure as { stderr: unknown }).stderr)).toMatch(
      /nn\/bad\.ts:2: nn may not import cli, which is above it/,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('what lies below the command line names none of its options', () => {
  const source = "throw new UserError('There is no GPU: use --device cpu.');";
  const reason = 'may not name "--device": give the error a code (util/errors.ts)';
  for (const file of ['engine/a.ts', 'runs/a.ts', 'experiment/a.ts', 'data/node/a.ts']) {
    expect(reasons(file, source)).toEqual([expect.stringContaining(reason)]);
  }
  expect(reasons('cli/a.ts', source)).toEqual([]);
  expect(reasons('runs/a.ts', 'const hint = `go on by table6 train`;')).toEqual([
    expect.stringContaining('may not name "table6 train"'),
  ]);
});

test('a comment, a decrement and a style may look like an option', () => {
  const sources = [
    '// see --device\n/* or --half */',
    'for (let i = 9; i > 0; i--) list[i--];',
    'const style = `fill="var(--paper, #fff)"`;',
  ];
  for (const source of sources) expect(reasons('experiment/a.ts', source)).toEqual([]);
});
