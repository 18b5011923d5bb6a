// The guard of the layers: what it must let through, what it must stop, and that `src` is clean.

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import {
  checkCircles,
  checkFile,
  checkFolder,
  ENGINE_ROOMS,
  missingRooms,
} from '../../scripts/check-imports.ts';

const SRC = path.join(import.meta.dirname, '..', '..', 'src');

const reasons = (file: string, source: string) =>
  checkFile(file, source).map(({ reason }) => reason);

test('this repository keeps its layers', () => {
  expect(checkFolder(SRC)).toEqual([]);
});

test('the guard names no room that is not there', async () => {
  expect(missingRooms(SRC)).toEqual([]);
  const folder = await mkdtemp(path.join(tmpdir(), 'table6-imports-'));
  await mkdir(path.join(folder, 'nn'));
  expect(missingRooms(folder)).toContain('engine');
  expect(missingRooms(folder)).not.toContain('nn');
  await rm(folder, { recursive: true });
});

test('files that import each other are named once, types included', () => {
  const sources = new Map([
    ['nn/a.ts', "import './b.ts';"],
    ['nn/b.ts', "import type { C } from './c.ts';\nimport './d.ts';"],
    ['nn/c.ts', "export { a } from './a.ts';\nimport './d.ts';"],
    ['nn/d.ts', "// import './a.ts';\nimport 'zod';"],
  ]);
  expect(checkCircles(sources)).toEqual([
    {
      file: 'nn/a.ts',
      line: 1,
      reason: 'files import each other: nn/a.ts -> nn/b.ts -> nn/c.ts -> nn/a.ts',
    },
  ]);
  sources.set('nn/c.ts', "import './d.ts';");
  expect(checkCircles(sources)).toEqual([]);
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

test('operations know nothing of the rest of the engine, and backends nothing of one another', () => {
  expect(reasons('engine/operations/a.ts', "import '../program.ts';")).toEqual([
    'engine/operations may not import the rest of engine, which is above it',
  ]);
  expect(reasons('engine/operations/a.ts', "import '../wasm/backend.ts';")).toEqual([
    'engine/operations may not import engine/wasm, which is above it',
  ]);
  expect(reasons('engine/wasm/kernels/a.ts', "import '../../webgpu/backend.ts';")).toEqual([
    'engine/wasm may not import its neighbour engine/webgpu',
  ]);
  const down = "import '../program.ts';\nimport '../operations/index.ts';\nimport './b.ts';";
  expect(reasons('engine/wasm/a.ts', down)).toEqual([]);
  expect(reasons('engine/devices.ts', "import('./webgpu/backend.ts');")).toEqual([]);
  const engine = path.join(import.meta.dirname, '..', '..', 'src', 'engine');
  expect(readdirSync(engine)).toEqual(expect.arrayContaining([...ENGINE_ROOMS]));
});

test('node: modules stay in files that say they are for Node', () => {
  const source = "import { readFile } from 'node:fs/promises';";
  expect(reasons('train/loop.ts', source)).toEqual([
    'train runs in a browser too and may not import node:fs/promises',
  ]);
  expect(reasons('data/load.node.ts', source)).toEqual([]);
  expect(reasons('data/node/cache.ts', source)).toEqual([]);
  expect(reasons('cli/main.ts', source)).toEqual([]);
  expect(reasons('runs/folder.ts', source)).toHaveLength(1);
  expect(reasons('experiment/plan.ts', source)).toHaveLength(1);
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
