// What can be typed after bench/gpu.sh, and what it means.

import path from 'node:path';
import { expect, it } from 'vitest';
import { type GpuSettings, parseCommand } from '../../../bench/gpu/options.ts';

function settingsOf(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  carried?: string,
): GpuSettings {
  const command = parseCommand(args, environment, carried);
  if (command.kind !== 'run') throw new Error(command.kind);
  return command.settings;
}

it('runs phases in their order, whatever order they are typed in', () => {
  expect(parseCommand(['train', 'check'])).toMatchObject({ phases: ['check', 'train'] });
  expect(parseCommand(['all'])).toMatchObject({
    phases: ['check', 'speed', 'peers', 'train', 'report'],
  });
});

it('measures the six networks of Table 6 and trains the first five', () => {
  const { networks, runs, precisions, batch, epochs, data, minutes } = settingsOf(['all']);
  expect(networks).toHaveLength(6);
  expect(runs).toEqual(networks.slice(0, 5));
  expect(precisions).toEqual(['float32', 'half', 'tensor-cores']);
  expect([batch, epochs, data, minutes]).toEqual([128, 200, undefined, undefined]);
});

it('writes to --output, else to $OUT, else to ./gpu-results', () => {
  expect(settingsOf(['speed', '--output', '/a'], { OUT: '/b' }).output).toBe('/a');
  expect(settingsOf(['speed'], { OUT: '/b' }).output).toBe('/b');
  expect(settingsOf(['speed']).output).toBe(path.resolve('gpu-results'));
});

it('trains on --train, else on what the kit carries; a trial on synthetic images', () => {
  expect(settingsOf(['train', '--train', 'cifar10'], {}, '/kit/data/x').data).toBe('cifar10');
  expect(settingsOf(['train'], {}, '/kit/data/x').data).toBe('/kit/data/x');
  expect(settingsOf(['train', '--tiny']).data).toMatch(/^synthetic/);
});

it('packs with or without images', () => {
  expect(parseCommand(['pack'])).toEqual({
    kind: 'pack',
    output: 'table6-gpu.tgz',
    data: undefined,
    xz: false,
  });
  const args = ['pack', '--train', 'photos', '--xz', '--output', 'k.txz'];
  expect(parseCommand(args)).toEqual({ kind: 'pack', output: 'k.txz', data: 'photos', xz: true });
});

it.each([[[]], [['help']], [['--help']]])('explains itself: %j', (args) => {
  expect(parseCommand(args)).toEqual({ kind: 'help' });
});

it.each([
  [['fly'], '<phase> takes check, speed, peers, train, report, not "fly"'],
  [
    ['speed', '--precision', 'double'],
    '--precision takes float32, half, tensor-cores, not "double"',
  ],
  [['speed', '--batch', '1.5'], '--batch takes whole numbers, not "1.5"'],
  [['speed', '--minutes', '-1'], "Option '--minutes' argument is ambiguous"],
  [['speed', '--minutes', 'soon'], '--minutes takes positive numbers, not "soon"'],
  [['speed', '--fast'], "Unknown option '--fast'"],
])('%j gets one sentence', (args, message) => {
  expect(() => parseCommand(args)).toThrow(`bench/gpu.sh: ${message}`);
});
