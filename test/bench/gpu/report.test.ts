// What the Markdown says of results that are made up: each number beside what it is compared with, and
// nothing claimed that was not measured.

import { describe, expect, it } from 'vitest';
import { judge } from '../../../bench/gpu/check.ts';
import { gpuReport } from '../../../bench/gpu/report.ts';
import type { ResultsFile, UnitRecord } from '../../../bench/gpu/units.ts';

const done = (value: unknown): UnitRecord => ({
  state: 'done',
  value,
  date: '2026-11-24T10:00:00.000Z',
  seconds: 1,
});

const speed = (imagesPerSecond: number) =>
  done({
    imagesPerSecond,
    slowest: 0.9 * imagesPerSecond,
    fastest: 1.1 * imagesPerSecond,
    stepMilliseconds: 128_000 / imagesPerSecond,
    teraflops: 1.5,
    memoryBytes: 300 * 2 ** 20,
    memory: 'keep',
    compileSeconds: 2,
    backend: 'WebGPU',
  });

const peer = (precision: string, layout: string, engine: string, imagesPerSecond: number) =>
  done({
    ...{ precision, layout, engine, imagesPerSecond },
    slowest: imagesPerSecond,
    fastest: imagesPerSecond,
    peakBytes: 2 ** 30,
    firstStepSeconds: 1,
  });

const RESULTS: ResultsFile = {
  format: 1,
  facts: { adapter: 'Toy GPU', driver: 'Toy 1.2' },
  units: {
    'check/float32/resnet8': done(
      judge([
        { what: 'loss', value: 1e-7, bound: 1e-5 },
        { what: 'gradient of conv1.weight', value: 2e-6, bound: 1e-4 },
        { what: 'gradient of linear.weight', value: 4e-3, bound: 1e-4 },
      ]),
    ),
    'check/float32/plain8': done(judge([{ what: 'loss', value: 1e-6, bound: 1e-5 }])),
    'speed/float32/resnet110': speed(4000),
    'speed/float32/resnet20': speed(20_000),
    'speed/half/resnet20': speed(30_000),
    'peer/2.11/resnet20/1': peer('tf32', 'channels_last', 'eager', 10_000),
    'peer/2.11/resnet20/2': peer('float32', 'contiguous', 'eager', 16_000),
    'peer/2.11/resnet20/3': peer('amp', 'channels_last', 'eager', 12_000),
    'peer/2.11/resnet20/4': peer('tf32', 'channels_last', 'graphs', 25_000),
    'peer/2.11/resnet1202/1': { state: 'failed', problem: 'out of memory', date: '2026-11-25' },
    ceilings: done({ gflops: 50_000, copies: [{ bytes: 2 ** 29, gigabytesPerSecond: 2000 }] }),
    'operations/float32/resnet20': done([
      {
        ...{ operation: 'forward 16-16', kernels: 6, milliseconds: 2 },
        ...{ multiplyAdds: 1e10, bytes: 1e9, floorMilliseconds: 0.5, bound: 'bytes' },
      },
    ]),
    'train/resnet20-float32-seed1': done({
      dataTitle: 'CIFAR-10 (JPEG q75)',
      isOriginalCifar10: false,
      precision: 'float32',
      batch: 128,
      outcome: 'interrupted',
      epochsDone: 120,
      epochs: 200,
      seconds: 600,
      result: { final: { epoch: 119, error: 0.1234 }, bestOnTest: { epoch: 99, error: 0.1199 } },
    }),
    'speed/float32/resnet1202': { state: 'begun', attempts: 1 },
  },
};

/** Cells of the rows that begin with this one, in the section of this name. */
function rowsOf(markdown: string, section: string, first: string): string[][] {
  const text = markdown.split(/^##+ /m).find((part) => part.startsWith(section)) ?? '';
  return text
    .split('\n')
    .filter((line) => line.startsWith(`| ${first} |`))
    .map((line) => line.slice(2, -2).split(' | '));
}

describe('the report', () => {
  const markdown = gpuReport(RESULTS);

  it('names the adapter, the driver and the days', () => {
    expect(markdown).toMatch(/^# WebGPU on Toy GPU\n/);
    expect(markdown).toContain('Measured on 2026-11-24, 2026-11-25 by `bench/gpu.sh`');
    expect(markdown).toContain('| driver | Toy 1.2 |');
  });

  it('shows the worst deviation of each kind, and what was too large', () => {
    const [row] = rowsOf(markdown, 'Agreement', 'float32');
    expect(row!.slice(1, 5)).toEqual(['1 of 2', '1.0e-6', '', '4.0e-3']);
    expect(markdown).toContain('- float32, resnet8: gradient 4.0e-3, at most 1.0e-4');
  });

  it('sets each precision beside the best of PyTorch in the same', () => {
    const [row] = rowsOf(markdown, 'Training, images a second', 'resnet20');
    expect(row).toEqual(
      '20,000 30,000  16,000 12,000 25,000 1.25_× 2.50_×'
        .split(' ')
        .map((cell) => cell.replace('_', ' '))
        .toSpliced(0, 0, 'resnet20'),
    );
  });

  it('leaves open what was not measured', () => {
    const [row] = rowsOf(markdown, 'Training, images a second', 'resnet110');
    expect(row!.slice(1)).toEqual(['4,000', '', '', '', '', '', '', '']);
    expect(markdown).toContain('- peer/2.11/resnet1202/1: out of memory');
    expect(markdown).toContain('- speed/float32/resnet1202: begun and not ended');
  });

  it('sets the time of operations beside their floors', () => {
    const [row] = rowsOf(markdown, 'resnet20, float32', 'forward 16-16');
    expect(row).toEqual([
      ...['forward 16-16', '6', '2.000', '0.500', '4.00 ×', 'bytes', '10000', '500'],
    ]);
  });

  it('says on which images runs were, and how far they came', () => {
    const [row] = rowsOf(markdown, 'Runs on CIFAR-10 (JPEG q75)', 'resnet20-float32-seed1');
    expect(row!.slice(1)).toEqual(['120 of 200', '12.34 %', '11.99 %', '10.0', 'interrupted']);
  });

  it('of an empty folder claims nothing', () => {
    const empty = gpuReport({ format: 1, facts: { adapter: 'Toy GPU' }, units: {} });
    expect(empty).not.toContain('##');
  });
});

describe('a check', () => {
  it('is wrong where one tensor is, and says how far', () => {
    const bad = { what: 'gradient of a', value: 2, bound: 1 };
    expect(judge([bad, { what: 'gradient of b', value: 0.5, bound: 1 }])).toEqual({
      right: false,
      deviations: [{ what: 'gradient', value: 2, bound: 1 }],
    });
  });
  it('is wrong where something is not a number', () => {
    expect(judge([{ what: 'loss', value: Number.NaN, bound: 1 }]).right).toBe(false);
  });
  it('allows no difference of counts', () => {
    expect(judge([{ what: 'correctTop1', value: 0, bound: 0 }]).right).toBe(true);
    expect(judge([{ what: 'correctTop1', value: 1, bound: 0 }]).right).toBe(false);
  });
});
