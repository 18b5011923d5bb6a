// Which device a command computes on.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { worded } from '../../src/cli/advice.ts';
import { backendOptions, openBackend } from '../../src/cli/session/backend.ts';
import { resolveConfig } from '../../src/experiment/recipes.ts';
import { deviceBefore } from '../../src/runs/device-before.ts';
import { createWorkspace } from './workspace.ts';

const workspace = createWorkspace();

describe('a run that is resumed without --device', () => {
  test.each([
    // asked for, backend of the last session, goes on with
    ['auto', 'wasm', 'cpu'],
    ['auto', 'webgpu', 'auto'],
    ['webgpu:H100', 'webgpu', 'webgpu:H100'],
    // It was moved by --resume --device before.
    ['webgpu:H100', 'wasm', 'cpu'],
    ['cpu', 'webgpu', 'webgpu'],
    ['auto', 'reference', 'reference'],
    // Killed before its first session was recorded.
    ['webgpu', undefined, 'webgpu'],
  ] as const)('that asked for %s and ran on %s goes on with %s', (asked, last, expected) => {
    expect(deviceBefore(asked, last)).toBe(expected);
  });
});

test.each(['fused', 'separate'])(
  'a run that began with multiply-adds that are %s goes on with them',
  async (multiplyAdd) => {
    const dir = workspace.at(`multiply-add-${multiplyAdd}`);
    const data = ['--data', 'synthetic:train=16,test=8'];
    const settings = ['--epochs', '1', '--batch-size', '8', '--threads', '1', '--save-dir', dir];
    await workspace.run(['train', 'resnet8', '--device', 'cpu', ...data, ...settings]);
    const file = `${dir}/environment.json`;
    const { sessions } = JSON.parse(readFileSync(file, 'utf8'));
    sessions[0].backend.multiplyAdd = multiplyAdd;
    writeFileSync(file, JSON.stringify({ sessions }));
    const { code, stdout, stderr } = await workspace.run(['train', '--resume', dir]);
    expect(code, stderr).toBe(0);
    expect(stdout).not.toMatch(/computes otherwise/);
    const resumed = JSON.parse(readFileSync(file, 'utf8')).sessions[1];
    expect(resumed.backend.multiplyAdd).toBe(multiplyAdd);
  },
);

test('a run in half precision does not go on without a GPU', async () => {
  const dir = workspace.at('half');
  mkdirSync(dir);
  const config = resolveConfig({ arch: 'resnet8', overrides: { half: true, data: 'synthetic' } });
  writeFileSync(`${dir}/config.json`, JSON.stringify(config));
  const { code, stderr } = await workspace.run(['train', '--resume', dir, '--device', 'cpu']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/computes in half precision, which needs a GPU, not --device cpu/);
});

/** What the command line says against a choice; undefined where nothing is. */
function refusal(typed: Parameters<typeof backendOptions>[0]): string | undefined {
  try {
    backendOptions(typed);
  } catch (error) {
    return worded(error as Error);
  }
  return undefined;
}

describe('opening', () => {
  test.each([
    ['cpu', 'wasm'],
    ['reference', 'reference'],
  ] as const)('%s gives the %s backend', async (device, name) => {
    const backend = await openBackend(backendOptions({ device, threads: 1 }));
    expect(backend.name).toBe(name);
    await backend.dispose();
  });

  test('half precision is refused by devices that never have it, before they are opened', () => {
    for (const device of ['cpu', 'reference'] as const) {
      expect(refusal({ device, half: true })).toMatch(/^--half needs a GPU, and the/);
      expect(refusal({ device, half: false })).toBeUndefined();
    }
    for (const device of ['auto', 'webgpu', 'webgpu:x'] as const) {
      expect(refusal({ device, half: true })).toBeUndefined();
    }
  });

  test('tensor cores are refused without half precision, before anything is opened', () => {
    const choice = { device: 'webgpu', half: false } as const;
    expect(refusal({ ...choice, tensorCores: 'on' })).toMatch(
      '--tensor-cores on needs half precision: add --half',
    );
    expect(refusal({ ...choice, tensorCores: 'auto' })).toBeUndefined();
    expect(refusal({ ...choice, half: true, tensorCores: 'on' })).toBeUndefined();
  });

  test("the CPU engine's algorithms make auto the CPU, and are refused with another device", () => {
    for (const device of ['webgpu', 'webgpu:x', 'reference'] as const) {
      expect(refusal({ device, half: false, convolution: 'direct' })).toBe(
        `--conv direct is an algorithm of the CPU engine: leave --conv away, or use --device cpu instead of ${device}.`,
      );
      expect(backendOptions({ device, half: false, convolution: 'auto' }).device).toBe(device);
    }
    for (const device of ['auto', 'cpu'] as const) {
      expect(backendOptions({ device, half: false, convolution: 'direct' }).device).toBe('cpu');
      expect(refusal({ device, half: true, convolution: 'direct' })).toBe(
        '--half needs a GPU, and --conv direct is an algorithm of the CPU engine: leave one of them away.',
      );
    }
  });
});

test.each([
  ['train', 'resnet8', '--data', 'synthetic'],
  ['evaluate', 'nothing.th'],
  ['predict', 'nothing.th', 'nothing.jpg'],
  ['bench'],
  ['reproduce', '--data', 'synthetic'],
  ['doctor'],
])(
  '%s refuses threads that would take minutes to start, before anything else',
  async (...command) => {
    const { code, stderr } = await workspace.run([...command, '--threads', '1000']);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^--threads 1000: this machine has \d+ cores?, and more than \d+ threads/,
    );
  },
);

test.each([
  ['train', 'resnet8', '--data', 'synthetic'],
  ['evaluate', 'nothing.th'],
  ['predict', 'nothing.th', 'nothing.jpg'],
  ['bench'],
  ['reproduce', '--data', 'synthetic'],
])('%s refuses --conv with a GPU before anything else', async (...command) => {
  const args = [...command, '--conv', 'direct', '--device', 'webgpu'];
  const { code, stderr } = await workspace.run(args);
  expect(code).toBe(2);
  expect(stderr).toMatch(/--conv direct is an algorithm of the CPU engine/);
});

test('a run with an algorithm of the CPU engine records the CPU, so that it is resumed there', async () => {
  const dir = workspace.at('direct');
  const settings = ['--data', 'synthetic:train=8,test=8', '--epochs', '1', '--batch-size', '8'];
  await workspace.run(['train', 'resnet8', '--conv', 'direct', '--save-dir', dir, ...settings]);
  const config = JSON.parse(readFileSync(`${dir}/config.json`, 'utf8'));
  expect(config).toMatchObject({ device: 'cpu', convolution: 'direct' });
});
