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
const IMAGES = 50_000;

/** The rate of each epoch's first step, for schedules that count epochs. */
function epochRates(config: TrainConfig): number[] {
  return Array.from({ length: config.schedule.length }, (_, epoch) =>
    rateOf(config, epoch * BATCHES),
  );
}

/** Of a step of a run that has not left its first state. */
function rateOf(config: TrainConfig, iteration: number): number {
  const state = initialScheduleState(config.schedule, config.classes);
  const position = { epoch: Math.floor(iteration / BATCHES), iteration };
  return learningRateAt(config, state, position, planRun(config, IMAGES));
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
    const rate = (iteration: number) => rateOf(resnet20, iteration);
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
    const plan = planRun(resnet110, IMAGES);
    let state = initialScheduleState(resnet110.schedule, 10);
    // The error falls, goes under 80 %, and comes back to chance.
    for (let iteration = 0; iteration < 1200; iteration++) {
      rates.push(learningRateAt(resnet110, state, { epoch: 0, iteration }, plan));
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
    expect(rateOf(config('resnet56', 'paper'), 0)).toBe(0.1);
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

describe('fast', () => {
  const fast = config('resnet20', 'fast');
  const whole = planRun(fast, IMAGES).iterations;
  const all = Array.from({ length: whole }, (_, iteration) => rateOf(fast, iteration));

  test('has 7,820 steps on CIFAR-10: up to 0.2 in 1,564 of them, and down to zero in the others', () => {
    expect(whole).toBe(7820);
    const golden: [iteration: number, rate: number][] = [
      [0, 0.2 / 1564],
      [1, 0.4 / 1564],
      [781, 0.1],
      [1563, 0.2],
      [1564, (0.2 * 6256) / 6257],
      [7819, 0.2 / 6257],
    ];
    for (const [iteration, rate] of golden) {
      expect(all[iteration], `step ${iteration}`).toBeCloseTo(rate, 12);
    }
    const rise = [0, 0.05, 0.1, 0.15];
    const fall = [16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1].map((n) => 0.0125 * n);
    epochRates(fast).forEach((rate, epoch) => {
      expect(rate, `epoch ${epoch}`).toBeCloseTo([...rise, ...fall][epoch]!, 3);
    });
  });

  test('moves in two straight lines, and no step is lost at a rate of zero', () => {
    const moves = all.slice(1).map((rate, index) => rate - all[index]!);
    moves.forEach((move, index) => {
      expect(move, `step ${index + 1}`).toBeCloseTo(index < 1563 ? 0.2 / 1564 : -0.2 / 6257, 12);
    });
    expect(Math.max(...all)).toBe(0.2);
    expect(all.every((rate) => rate > 0)).toBe(true);
  });

  test('--epochs stretches the cycle, also over few steps', () => {
    const rates = (settings: { epochs: number; limitBatches: number }) => {
      const short = resolveConfig({ arch: 'resnet110', recipe: 'fast', overrides: settings });
      const { iterations } = planRun(short, IMAGES);
      const state = initialScheduleState(short.schedule, 10);
      return Array.from({ length: iterations }, (_, iteration) => {
        const epoch = Math.floor(iteration / settings.limitBatches);
        const rate = learningRateAt(short, state, { epoch, iteration }, { iterations });
        return Number(rate.toFixed(6));
      });
    };
    expect(rates({ epochs: 2, limitBatches: 5 })).toEqual([
      ...[0.1, 0.2],
      ...[8, 7, 6, 5, 4, 3, 2, 1].map((left) => Number(((0.2 * left) / 9).toFixed(6))),
    ]);
    expect(rates({ epochs: 1, limitBatches: 1 })).toEqual([0.2]);
    expect(rates({ epochs: 1, limitBatches: 2 })).toEqual([0.2, 0.1]);
  });

  test('counts epochs before --start-epoch as done', () => {
    const late = resolveConfig({ arch: 'resnet20', recipe: 'fast', overrides: { startEpoch: 10 } });
    expect(rateOf(late, 10 * BATCHES)).toBe(all[10 * BATCHES]);
  });

  test('keeps no state from step to step', () => {
    const state = initialScheduleState(fast.schedule, 10);
    expect(state.warmingUp).toBe(false);
    expect(advanceSchedule(fast.schedule, state, 0.1)).toBe(state);
  });

  test('can rise in the whole run, or in no more than its first step', () => {
    const rates = (rise: number) =>
      [0, 1, 2, 3].map((iteration) =>
        learningRateAt(
          {
            learningRate: 1,
            schedule: { kind: 'one-cycle', unit: 'iterations', length: 4, rise },
            rateChanges: [],
          },
          initialScheduleState(fast.schedule, 10),
          { epoch: 0, iteration },
          { iterations: 4 },
        ),
      );
    expect(rates(1)).toEqual([0.25, 0.5, 0.75, 1]);
    expect(rates(0)).toEqual([1, 0.75, 0.5, 0.25]);
  });
});

describe('a cosine', () => {
  const overrides = { scheduleKind: 'cosine', epochs: 4, learningRate: 0.2 } as const;
  const cosine = resolveConfig({ arch: 'resnet20', overrides });
  const rates = (config: typeof cosine) =>
    Array.from({ length: 8 }, (_, iteration) =>
      learningRateAt(
        config,
        initialScheduleState(config.schedule, 10),
        { epoch: Math.floor(iteration / 2), iteration },
        { iterations: 8 },
      ),
    );

  // torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8), one step of it a batch.
  test('falls as that of PyTorch, from the rate to almost zero', () => {
    const expected = [0.2, 0.19238795325, 0.17071067812, 0.13826834324];
    const rest = [0.1, 0.06173165676, 0.02928932188, 0.00761204675];
    const all = [...expected, ...rest];
    for (const [i, rate] of rates(cosine).entries()) expect(rate).toBeCloseTo(all[i]!, 10);
  });

  test('warms up as the recipe does', () => {
    const warmup = { kind: 'epochs', epochs: 1, factor: 0.1 } as const;
    const warm = resolveConfig({ arch: 'resnet20', overrides: { ...overrides, warmup } });
    const factors = rates(warm).map((rate, i) => rate / rates(cosine)[i]!);
    for (const [i, factor] of factors.entries()) expect(factor).toBeCloseTo(i < 2 ? 0.1 : 1, 10);
    const paper = {
      arch: 'resnet110',
      recipe: 'paper',
      overrides: { scheduleKind: 'cosine' },
    } as const;
    const { schedule } = resolveConfig(paper);
    expect(schedule).toMatchObject({ kind: 'cosine', length: 64_000, unit: 'iterations' });
    expect(initialScheduleState(schedule, 10).warmingUp).toBe(true);
    let state = initialScheduleState(schedule, 10);
    for (let i = 0; i < 200; i++) state = advanceSchedule(schedule, state, 0.5);
    expect(state.warmingUp).toBe(false);
  });

  test('has no drops, and any recipe may have one', () => {
    const drops = { ...overrides, milestones: [2] };
    expect(() => resolveConfig({ arch: 'resnet20', overrides: drops })).toThrow(
      'milestones cannot be given with a cosine schedule: its rate falls to zero step by step',
    );
    const kindOf = (recipe: 'fast' | 'quick', scheduleKind: 'steps' | 'cosine' | 'one-cycle') =>
      resolveConfig({ arch: 'resnet20', recipe, overrides: { scheduleKind } }).schedule;
    expect(kindOf('fast', 'cosine')).toEqual({
      ...{ kind: 'cosine', unit: 'epochs', length: 20, warmup: { kind: 'none' } },
    });
    expect(kindOf('fast', 'steps')).toMatchObject({ kind: 'steps', milestones: [10, 15] });
    expect(kindOf('quick', 'one-cycle')).toMatchObject({ kind: 'one-cycle', rise: 0.2 });
  });
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
