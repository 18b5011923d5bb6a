import { describe, expect, test } from 'vitest';
import { resolveConfig } from '../../src/experiment/recipes.ts';
import type { RecipeName, TrainConfig } from '../../src/train/config.ts';
import {
  advanceSchedule,
  batchesInEpoch,
  initialScheduleState,
  learningRateAt,
  planRun,
} from '../../src/train/schedule.ts';

const BATCHES = 391;

/** The rate of each epoch's first step, for schedules that count epochs. */
function epochRates(config: TrainConfig): number[] {
  const state = initialScheduleState(config.schedule, config.classes);
  return Array.from({ length: config.schedule.length }, (_, epoch) =>
    learningRateAt(config, state, { epoch, iteration: epoch * BATCHES }),
  );
}

function expectCurve(rates: number[], pieces: [epochs: number, rate: number][]): void {
  const expected = pieces.flatMap(([epochs, rate]) => new Array<number>(epochs).fill(rate));
  expect(rates).toHaveLength(expected.length);
  rates.forEach((rate, epoch) => {
    expect(rate, `epoch ${epoch}`).toBeCloseTo(expected[epoch]!, 12);
  });
}

const config = (arch: string, recipe: RecipeName) => resolveConfig({ arch, recipe });

describe('the notebook', () => {
  test('trains resnet20 at 0.1, and a tenth less from epochs 100 and 150 on', () => {
    expectCurve(epochRates(config('resnet20', 'notebook')), [
      [100, 0.1],
      [50, 0.01],
      [50, 0.001],
    ]);
  });

  test('as meant: resnet110 begins with one epoch at 0.01 and goes on at 0.1', () => {
    expectCurve(epochRates(config('resnet110', 'notebook')), [
      [1, 0.01],
      [99, 0.1],
      [50, 0.01],
      [50, 0.001],
    ]);
  });

  test.each(['resnet110', 'resnet1202'])(
    'as run: %s stays a tenth below for all epochs',
    (arch) => {
      expectCurve(epochRates(config(arch, 'notebook-as-run')), [
        [100, 0.01],
        [50, 0.001],
        [50, 0.0001],
      ]);
    },
  );

  test('as run: resnet56 is trained as it was meant', () => {
    expect(epochRates(config('resnet56', 'notebook-as-run'))).toEqual(
      epochRates(config('resnet56', 'notebook')),
    );
  });
});

describe('the paper', () => {
  test('counts iterations: 0.1, from 32,000 on 0.01, from 48,000 on 0.001, ends at 64,000', () => {
    const resnet20 = config('resnet20', 'paper');
    const state = initialScheduleState(resnet20.schedule, 10);
    const rate = (iteration: number) =>
      learningRateAt(resnet20, state, { epoch: Math.floor(iteration / BATCHES), iteration });
    expect(rate(0)).toBe(0.1);
    expect(rate(31_999)).toBe(0.1);
    expect(rate(32_000)).toBeCloseTo(0.01, 12);
    expect(rate(47_999)).toBeCloseTo(0.01, 12);
    expect(rate(48_000)).toBeCloseTo(0.001, 12);
    const plan = planRun(resnet20, 50_000);
    expect(plan).toMatchObject({ batchesPerEpoch: 391, epochs: 164, iterations: 64_000 });
    expect(batchesInEpoch(plan, 0)).toBe(391);
    expect(batchesInEpoch(plan, 163)).toBe(64_000 - 163 * 391);
  });

  test('warms resnet110 up at 0.01 until its training error is below 80 %, and then never again', () => {
    const resnet110 = config('resnet110', 'paper');
    const rates: number[] = [];
    let state = initialScheduleState(resnet110.schedule, 10);
    // The error falls, goes under 80 %, and comes back to chance.
    for (let iteration = 0; iteration < 1200; iteration++) {
      rates.push(learningRateAt(resnet110, state, { epoch: 0, iteration }));
      state = advanceSchedule(
        resnet110.schedule,
        state,
        iteration < 300 ? 0.9 : iteration < 800 ? 0.7 : 0.95,
      );
    }
    const end = rates.indexOf(0.1);
    expect(end).toBeGreaterThan(300);
    expect(end).toBeLessThan(400);
    expect(rates.slice(0, end).every((rate) => Math.abs(rate - 0.01) < 1e-12)).toBe(true);
    expect(rates.slice(end).every((rate) => rate === 0.1)).toBe(true);
  });

  test('is not fooled by one lucky batch', () => {
    const { schedule } = config('resnet110', 'paper');
    const state = advanceSchedule(schedule, initialScheduleState(schedule, 10), 0.5);
    expect(state.warmingUp).toBe(true);
  });

  test('does not warm resnet56 up', () => {
    const resnet56 = config('resnet56', 'paper');
    const state = initialScheduleState(resnet56.schedule, 10);
    expect(learningRateAt(resnet56, state, { epoch: 0, iteration: 0 })).toBe(0.1);
  });
});

test('quick drops at half and three quarters of its epochs', () => {
  const quick = resolveConfig({ arch: 'resnet20', recipe: 'quick', overrides: { epochs: 60 } });
  expectCurve(epochRates(quick), [
    [30, 0.1],
    [15, 0.01],
    [15, 0.001],
  ]);
});

test('milestones, gamma and the rate can be set', () => {
  const custom = resolveConfig({
    arch: 'resnet20',
    overrides: { epochs: 5, milestones: [1, 3], gamma: 0.5, learningRate: 0.4 },
  });
  expectCurve(epochRates(custom), [
    [1, 0.4],
    [2, 0.2],
    [2, 0.1],
  ]);
});

describe('the plan of a run', () => {
  test('counts the smaller last batch', () => {
    expect(planRun(config('resnet20', 'notebook'), 50_000).batchesPerEpoch).toBe(391);
    expect(planRun(config('resnet20', 'notebook'), 45_000).batchesPerEpoch).toBe(352);
  });

  test('limits batches where that is asked for', () => {
    const limited = resolveConfig({ arch: 'resnet20', overrides: { limitBatches: 3 } });
    expect(planRun(limited, 50_000)).toMatchObject({ batchesPerEpoch: 3, iterations: 600 });
    expect(planRun(limited, 200).batchesPerEpoch).toBe(2);
  });
});
