// `table6 bench`: what it measures, with and without --profile. How fast is not asked here.

import { expect, test } from 'vitest';
import { findTestAdapter } from '../engine/webgpu/adapter.ts';
import { table6 } from './run-table6.ts';

/** It may have chosen a driver in this process's environment. */
const adapter = await findTestAdapter();

const SMALL = ['bench', 'resnet8', '--batch-size', '4', '--seconds', '0', '--threads', '1'];
/** Also where there is a GPU. */
const CPU = [...SMALL, '--device', 'cpu'];

test('a median within its range for both steps', async () => {
  const { stdout } = await table6([...SMALL, '--seconds', '0.2', '--json']);
  const { results } = JSON.parse(stdout) as {
    results: { mode: string; slowest: number; median: number; fastest: number }[];
  };
  expect(results.map(({ mode }) => mode)).toEqual(['train', 'infer']);
  for (const { slowest, median, fastest } of results) {
    expect(slowest).toBeGreaterThan(0);
    expect(median).toBeGreaterThanOrEqual(slowest);
    expect(fastest).toBeGreaterThanOrEqual(median);
  }
});

test('--profile: every operation with its time, and arithmetic where there is some', async () => {
  const { code, stdout } = await table6([...CPU, '--profile', '--json', '--memory', 'recompute']);
  expect(code).toBe(0);
  const { results } = JSON.parse(stdout) as {
    results: { mode: string; operations: Record<string, number | string>[] }[];
  };
  expect(results.map(({ mode }) => mode)).toEqual(['train', 'infer']);
  const [train, infer] = results.map(({ operations }) => operations);
  const named = (operations: typeof train, name: string) =>
    operations!.filter((operation) => operation.name === name);
  // Recomputed blocks run their convolutions twice.
  expect(named(train, 'convolution layer1.0.conv1')).toHaveLength(2);
  expect(named(train, 'sgd')).toHaveLength(1);
  expect(named(infer, 'convolutionInference layer3.0.conv2')).toHaveLength(1);
  for (const operation of [...train!, ...infer!]) {
    expect(operation.milliseconds).toBeGreaterThanOrEqual(0);
    if (!String(operation.name).startsWith('convolution')) continue;
    expect(operation.gflops).toBeGreaterThan(0);
    expect(operation.gigabytesPerSecond).toBeGreaterThan(0);
    expect(operation.ceilingShare).toBeGreaterThan(0);
  }
});

test('--profile as a table ends with the ceiling', async () => {
  const { stdout } = await table6([...CPU, '--mode', 'train', '--profile', '--conv', 'direct']);
  expect(stdout).toMatch(/^operation +ms +of step +GFLOP\/s +GB\/s +of ceiling$/m);
  expect(stdout).toMatch(/^convolutionBackward layer1\.0\.conv1( +[\d.]+){2} %( +[\d.]+){3} %$/m);
  expect(stdout).toMatch(/multiply-add ceiling: \d+ GFLOP\/s a thread, measured at the start\n$/);
});

test('--convolution is --conv under its former name', async () => {
  const { stdout } = await table6([...CPU, '--mode', 'infer', '--convolution', 'winograd2']);
  expect(stdout).toContain('Winograd F(2×2, 3×3)');
});

test('the oracle has no profile', async () => {
  const { code, stderr } = await table6([...SMALL, '--device', 'reference', '--profile']);
  expect(code).toBe(2);
  expect(stderr).toContain('--profile measures the CPU engine and GPUs, not --device reference');
});

test.skipIf(!adapter)('--profile on a GPU: its kernels, beside what it could do', async () => {
  const onGpu = ['--device', 'webgpu', '--mode', 'infer', '--profile'];
  const { stdout } = await table6([...SMALL, ...onGpu], { env: process.env });
  expect(stdout).toMatch(/^convolutionInference layer1\.0\.conv1( +[\d.]+){2} %( +[\d.]+){3} %$/m);
  expect(stdout).toMatch(/ceilings: \d+ GFLOP\/s of float32 multiply-adds, \d+ GB\/s of copies/);
});
