// What the report makes of the process that looks at the GPUs, however that ends.

import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { inspectGpus } from '../../src/cli/session/adapters.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'table6-adapters-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A process that runs this script instead of looking at GPUs. */
function scripted(script: string) {
  const file = path.join(folder, 'child.mjs');
  writeFileSync(
    file,
    `const tell = (m) => new Promise((done) => process.send(m, done));\n${script}`,
  );
  return () => fork(file, [], { execArgv: [], serialization: 'advanced', stdio: 'ignore' });
}

const FOUND = "await tell({ kind: 'adapters', adapters: [{ name: 'H100' }], auto: 'webgpu' });";
const OPENED = "await tell({ kind: 'opened', description: 'WebGPU, H100', isSoftware: false });";

test('all goes well', async () => {
  const result = "{ ok: true, deviation: NaN, where: 'loss', bound: 1e-4, seconds: 1 }";
  const start = scripted(`${FOUND}${OPENED} await tell({ kind: 'tested', result: ${result} });`);
  expect(await inspectGpus({ seconds: 20, start })).toEqual({
    adapters: [{ name: 'H100' }],
    auto: 'webgpu',
    device: 'WebGPU, H100',
    selfTest: { ok: true, deviation: Number.NaN, where: 'loss', bound: 1e-4, seconds: 1 },
  });
});

test('there is no adapter', async () => {
  const start = scripted("await tell({ kind: 'problem', problem: 'No driver.' });");
  const report = await inspectGpus({ seconds: 20, start });
  expect(report).toEqual({ adapters: [], auto: 'cpu', problem: 'No driver.' });
});

test('the driver crashes', async () => {
  const start = scripted(`${FOUND} process.kill(process.pid, 'SIGSEGV');`);
  const report = await inspectGpus({ seconds: 20, start });
  expect(report.adapters).toHaveLength(1);
  expect(report.problem).toBe('The driver crashed (SIGSEGV).');
});

test('the self-test takes longer than it may', async () => {
  const start = scripted(`${FOUND}${OPENED} setInterval(() => {}, 1000);`);
  const report = await inspectGpus({ seconds: 0.05, start });
  expect(report.device).toBe('WebGPU, H100');
  expect(report.problem).toMatch(/not finished after 0.05 s: the kernels are compiled/);
});
