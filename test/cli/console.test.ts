// The console as a reader of training events: what it writes for a fixed stream, on a terminal, in a
// pipe, and in the notebook's words.

import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { barLine } from '../../src/cli/console/bar.ts';
import { configurationLines } from '../../src/cli/console/configuration.ts';
import { createTrainReader, type LogStyle } from '../../src/cli/console/reader.ts';
import { createTerminal } from '../../src/cli/console/terminal.ts';
import { resolveConfig } from '../../src/experiment/recipes.ts';
import type { StartEvent, StepEvent, TrainEvent } from '../../src/train/events.ts';
import { formatDuration, formatRate } from '../../src/util/format.ts';

function output(options: { isTTY?: boolean; columns?: number } = {}) {
  let written = '';
  return {
    isTTY: options.isTTY ?? false,
    columns: options.columns ?? 100,
    write(text: string | Uint8Array) {
      written += String(text);
      return true;
    },
    written: () => written,
    lines: () => written.split('\n').slice(0, -1),
  };
}

function step(epoch: number, batch: number): StepEvent {
  return {
    kind: 'step',
    epoch,
    batch,
    batches: 391,
    iteration: epoch * 391 + batch + 1,
    count: 128,
    loss: 1.25,
    lossAverage: 2.25,
    top1: 0.125,
    top1Average: 0.15625,
    top5: 0.5,
    top5Average: 0.55,
    learningRate: 0.1,
    imagesPerSecond: 812.3,
    dataTime: 0.001,
    dataTimeAverage: 0.002,
    batchTime: 0.1575,
    batchTimeAverage: 0.16,
    secondsLeft: 3675,
  };
}

const EVALUATION: TrainEvent[] = [
  {
    kind: 'evaluation-progress',
    split: 'test',
    epoch: 0,
    batch: 0,
    batches: 79,
    count: 128,
    loss: 0.5,
    lossAverage: 0.5,
    top1: 0.9,
    top1Average: 0.9,
    batchTime: 0.05,
    batchTimeAverage: 0.05,
    top5: 1,
    top5Average: 1,
  },
  {
    kind: 'evaluation',
    split: 'test',
    epoch: 0,
    images: 10000,
    partial: false,
    wrong: 792,
    loss: 0.3,
    top1Error: 0.0792,
    top5Error: 0.003,
    seconds: 4,
    isBest: true,
    bestError: 0.0792,
    bestEpoch: 0,
  },
];

const STREAM: TrainEvent[] = [
  ...Array.from({ length: 112 }, (_, batch) => step(0, batch)),
  {
    kind: 'epoch-end',
    epoch: 0,
    epochs: 200,
    iteration: 391,
    learningRate: 0.1,
    trainLoss: 1.5,
    trainTop1: 0.45,
    trainTop5: 0.9,
    seconds: 62.5,
    imagesPerSecond: 800,
  },
  ...EVALUATION,
  {
    kind: 'checkpoint',
    reasons: ['epoch'],
    position: { epoch: 1, batch: 0, iteration: 391 },
  },
];

function show(style: LogStyle, options: Parameters<typeof output>[0] = {}) {
  const stream = output(options);
  const terminal = createTerminal(stream, { environment: {} });
  const reader = createTrainReader(style, terminal, 55);
  for (const event of STREAM) reader.handle(event);
  return stream;
}

describe("the lines of the notebook's trainer", () => {
  test('are exactly its own, every print-freq batches', () => {
    expect(show('trainer').lines()).toEqual([
      'current lr 1.00000e-01',
      'Epoch: [0][0/391]\tTime 0.158 (0.160)\tData 0.001 (0.002)\tLoss 1.2500 (2.2500)\tPrec@1 12.500 (15.625)',
      'Epoch: [0][55/391]\tTime 0.158 (0.160)\tData 0.001 (0.002)\tLoss 1.2500 (2.2500)\tPrec@1 12.500 (15.625)',
      'Epoch: [0][110/391]\tTime 0.158 (0.160)\tData 0.001 (0.002)\tLoss 1.2500 (2.2500)\tPrec@1 12.500 (15.625)',
      'Test: [0/79]\tTime 0.050 (0.050)\tLoss 0.5000 (0.5000)\tPrec@1 90.000 (90.000)',
      ' * Prec@1 92.080',
    ]);
  });
});

describe('plain lines', () => {
  test('one every print-freq batches and one an epoch, with errors counted from epoch 1', () => {
    const lines = show('plain').lines();
    expect(lines).toHaveLength(4);
    expect(lines[0]).toBe(
      'epoch 1  batch 1/391  loss 1.2500 (2.2500)  accuracy 15.63 %  lr 0.1  812 images/s  left 1:01:15',
    );
    expect(lines[3]).toBe(
      'epoch   1/200  loss 1.5000  accuracy 45.00 %  test error 7.92 % (best)  lr 0.1  800 images/s  1:03',
    );
  });

  test('auto writes them where there is no terminal, without a single control character', () => {
    const text = show('auto').written();
    expect(text).toBe(show('plain').written());
    // biome-ignore lint/suspicious/noControlCharactersInRegex: looking for them is the point
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});

describe('the bar on a terminal', () => {
  test.each([30, 60, 100, 200])('never wraps in %i columns', (columns) => {
    const stream = show('auto', { isTTY: true, columns });
    const drawn = stream
      .written()
      .split('\n')
      .flatMap((line) => line.split('\r').slice(0, -1));
    expect(drawn.length).toBeGreaterThan(0);
    for (const text of drawn) expect(text.length).toBeLessThan(columns);
  });

  test('shows rate, time left, loss, accuracy and learning rate where they fit', () => {
    const text = show('auto', { isTTY: true, columns: 140 }).written();
    expect(text).toMatch(
      /epoch 1 \[[=.]+\] +\d+% {2}812 images\/s {2}left 1:01:15 {2}loss 2\.2500 {2}accuracy 15\.63 % {2}lr 0\.1/,
    );
  });

  test('is drawn at most ten times a second and makes room for the epoch line', () => {
    onTestFinished(() => void vi.useRealTimers());
    vi.useFakeTimers({ toFake: ['performance'] }); // no time passes
    const stream = show('auto', { isTTY: true });
    expect(stream.written().split('\repoch 1 [')).toHaveLength(2);
    const last = stream.lines().at(-1)!.split('\r').at(-1);
    expect(last).toMatch(/^epoch {3}1\/200 {2}loss 1\.5000/);
  });

  test('drops the least important fields first', () => {
    expect(barLine('epoch 1', 0.5, ['800 images/s', 'left 1:00', 'lr 0.1'], 45)).toBe(
      'epoch 1 [========........] 50%  800 images/s',
    );
    expect(barLine('epoch 1', 0.5, ['800 images/s'], 14)).toBe('epoch 1 50%');
  });
});

describe('terminals', () => {
  test('a label stands before every line', () => {
    const stream = output();
    createTerminal(stream, { label: '[synthetic]', environment: {} }).line('one\ntwo');
    expect(stream.lines()).toEqual(['[synthetic] one', '[synthetic] two']);
  });

  test.each([
    [{ isTTY: true }, {}, true],
    [{ isTTY: true }, { NO_COLOR: '1' }, false],
    [{ isTTY: true }, { TERM: 'dumb' }, false],
    [{ isTTY: false }, {}, false],
  ])('%j with %j: colours %s', (options, environment, colored) => {
    const stream = output(options);
    createTerminal(stream, { environment }).line('x', 'bad');
    expect(stream.written() !== 'x\n').toBe(colored);
  });
});

describe('the resolved configuration', () => {
  test('names every setting that decides the result', () => {
    const start: StartEvent = {
      kind: 'start',
      config: resolveConfig({ arch: 'resnet110', recipe: 'paper', overrides: { seed: 7 } }),
      parameters: 1_727_962,
      trainImages: 45000,
      testImages: 10000,
      validationImages: 5000,
      batchesPerEpoch: 352,
      epochs: 182,
      iterations: 64000,
      backend: 'wasm, 2 threads',
      position: { epoch: 0, batch: 0, iteration: 0 },
      resumed: false,
    };
    const text = configurationLines(start, 'CIFAR-10').join('\n');
    for (const part of [
      'resnet110, shortcut A, 10 classes, 1,727,962 parameters',
      'CIFAR-10 (cifar10): 45,000 training, 5,000 validation, 10,000 test images',
      'paper',
      '64,000 steps), rate ×0.1 after steps 32,000, 48,000',
      'warm-up ×0.1 until the training error is below 80 %',
      'learning rate 0.1, momentum 0.9, weight decay 0.0001, batch size 128',
      'normalisation per-pixel-mean',
      'wasm, 2 threads',
      'seed        7',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('resumed');
  });

  test('tells a one-cycle schedule by its peak', () => {
    const start: StartEvent = {
      kind: 'start',
      config: resolveConfig({ arch: 'resnet20', recipe: 'fast' }),
      parameters: 269722,
      trainImages: 50000,
      testImages: 10000,
      validationImages: 0,
      batchesPerEpoch: 391,
      epochs: 20,
      iterations: 7820,
      backend: 'wasm, 2 threads',
      position: { epoch: 0, batch: 0, iteration: 0 },
      resumed: false,
    };
    const lines = configurationLines(start, 'CIFAR-10');
    expect(lines).toContain('recipe      fast');
    expect(lines).toContain(
      'schedule    20 epochs (7,820 steps), one-cycle: rate up to 0.2 in the first 20 % of the steps, then down to 0',
    );
  });
});

describe('numbers', () => {
  test('durations', () => {
    expect([0, 59.6, 75, 3675].map(formatDuration)).toEqual(['0:00', '1:00', '1:15', '1:01:15']);
    expect([172_799, 172_800, 3_135_203].map(formatDuration)).toEqual([
      '47:59:59',
      '2 days',
      '36 days',
    ]);
  });

  test('rates keep three digits', () => {
    expect([812.3, 41.234, 0.5].map(formatRate)).toEqual(['812', '41.2', '0.500']);
  });
});
