// `npm run bench` on a network that takes milliseconds: the table has its rows, and mistakes get one
// sentence. How fast anything is is not asked here.

import { execFile } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { findTestAdapter } from '../engine/webgpu/adapter.ts';

/** It may have chosen a driver in this process's environment. */
const adapter = await findTestAdapter();
const COMPARE = path.join(import.meta.dirname, '..', '..', 'bench', 'compare.ts');

function compare(...args: string[]) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(process.execPath, [COMPARE, ...args], (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

test('a row for each variant: rate, range, peak memory, seconds to the first step', async () => {
  const { code, stdout } = await compare(
    ...['--networks', 'resnet8', '--batch', '4', '--rounds', '2', '--seconds', '0.02'],
    ...['--threads', '1', '--width', '128', '--conv', 'winograd4,direct', '--peers', 'none'],
  );
  expect(code).toBe(0);
  const [first, ...lines] = stdout.trimEnd().split('\n');
  expect(first).toMatch(/^\d{4}-\d\d-\d\d, .*, Node \d+\.\d+\.\d+; batch 4, .* 2 interleaved/);
  const rows = lines.filter((line) => line.startsWith('| resnet8'));
  expect(rows.map((row) => row.split(' | ').slice(1, 4).join(' '))).toEqual([
    'train 1 table6, 128 bits, winograd4',
    'train 1 table6, 128 bits, direct',
    'infer 1 table6, 128 bits, winograd4',
    'infer 1 table6, 128 bits, direct',
  ]);
  for (const row of rows) {
    expect(row).toMatch(
      /\| [\d.,]+ \| [\d.,]+-[\d.,]+ \| {2}\| [\d.,]+ \| \d+ MiB \| [\d.]+ s \|$/,
    );
  }
});

test.skipIf(!adapter)('a row of a GPU for each precision, without threads', async () => {
  const { stdout } = await compare(
    ...['--networks', 'resnet8', '--batch', '2', '--rounds', '1', '--seconds', '0.01'],
    ...['--device', 'webgpu', '--modes', 'infer', '--peers', 'none', '--precision', 'float32'],
  );
  expect(stdout.split('\n')[0]).toContain(`, ${adapter!.name}, Node`);
  expect(stdout).toMatch(/^\| resnet8 \| infer \| GPU \| table6, WebGPU, float32 \| [\d.,]+ \|/m);
});

test.each([
  [['--modes', 'trian'], '--modes takes train, infer, not "trian"'],
  [['--rounds', 'many'], '--rounds takes positive numbers, not "many"'],
  [['--speed', '9'], "Unknown option '--speed'"],
  [['--device', 'gpu'], '--device takes cpu, webgpu, not "gpu"'],
  [['--device', 'webgpu', '--precision', 'double'], '--precision takes float32, half,'],
  [['--device', 'webgpu', '--adapter', 'no such GPU'], 'WebGPU finds no GPU. '],
])('%j gets one sentence', async (args, message) => {
  const { code, stderr } = await compare(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(`bench: ${message}`);
});
