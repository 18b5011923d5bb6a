// The band of our own seeds: from runs alike in all but their seed, and only from several.

import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../../src/experiment/recipes.ts';
import type { ReportRun } from '../../../../src/experiment/report/data.ts';
import { spreadOf } from '../../../../src/web/chapters/train/spread.ts';

const config = resolveConfig({
  arch: 'resnet20',
  recipe: 'fast',
  overrides: { data: 'cifar10' },
});

/** A run of two epochs of 391 steps. */
function run(seed: number, errors: readonly [number, number], changes: Partial<ReportRun> = {}) {
  return {
    seed,
    comparable: true,
    trainImages: 50_000,
    config: { ...config, seed, threads: seed },
    curves: {
      testError: [
        [391, errors[0]],
        [782, errors[1]],
      ],
    },
    ...changes,
  } as unknown as ReportRun;
}

describe('the spread over our own seeds', () => {
  it('goes from the lowest to the highest error after each epoch', () => {
    const results = [run(1, [40, 10]), run(2, [38, 11]), run(3, [39, 10.5])];
    const spread = spreadOf(results, { ...config, seed: 9, data: 'opfs:cifar' })!;
    expect(spread.seeds).toBe(3);
    const { low, high } = spread.bySteps;
    expect([low.x(0), low.y(0), high.y(0)]).toEqual([391, 0.38, 0.4]);
    expect([low.x(1), low.y(1), high.y(1)]).toEqual([782, 0.1, 0.11]);
    expect([spread.byEpochs.low.x(0), spread.byEpochs.high.x(1)]).toEqual([1, 2]);
  });

  it('is none for one seed, other settings, or other images', () => {
    const results = [run(1, [40, 10]), run(2, [38, 11])];
    expect(spreadOf(results.slice(1), config)).toBeUndefined();
    expect(spreadOf(results, { ...config, learningRate: 0.05 })).toBeUndefined();
    expect(spreadOf(results, { ...config, arch: 'resnet32' })).toBeUndefined();
    const others = results.map((each) => ({ ...each, comparable: false }));
    expect(spreadOf(others, config)).toBeUndefined();
  });
});
