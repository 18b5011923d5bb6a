// From a run's metrics to the few points that a figure draws.

import { describe, expect, test } from 'vitest';
import { curvesOf } from '../../../src/experiment/report/curves.ts';
import type { MetricsRecord } from '../../../src/runs/metrics.ts';

describe('curves', () => {
  const step = (iteration: number, loss: number, learningRate: number): MetricsRecord => ({
    kind: 'step',
    epoch: 0,
    batch: iteration - 1,
    iteration,
    loss,
    lossAverage: loss,
    top1: 0,
    top1Average: 0,
    learningRate,
    imagesPerSecond: 1,
    batchTime: 1,
    dataTime: 0,
    time: 0,
  });

  test('the learning rate keeps its corners and nothing else', () => {
    const records = [1, 2, 3, 4, 5, 6].map((i) => step(i, 1, i < 4 ? 0.01 : 0.1));
    expect(curvesOf(records).learningRate).toEqual([
      [1, 0.01],
      [4, 0.01],
      [4, 0.1],
      [6, 0.1],
    ]);
  });

  test('a rate that moves at every step is thinned to a line with its ends and its peak', () => {
    const rates = Array.from({ length: 3000 }, (_, i) =>
      i < 601 ? (0.4 * (i + 1)) / 601 : (0.4 * (3000 - i)) / 2400,
    );
    const { learningRate } = curvesOf(rates.map((rate, i) => step(i + 1, 1, rate)));
    expect(learningRate.length).toBeLessThanOrEqual(203);
    expect(learningRate[0]).toEqual([1, Number((0.4 / 601).toPrecision(6))]);
    expect(learningRate).toContainEqual([601, 0.4]);
    expect(learningRate.at(-1)).toEqual([3000, Number((0.4 / 2400).toPrecision(6))]);
  });

  test('the loss is averaged to a few hundred points', () => {
    const records = Array.from({ length: 4000 }, (_, i) => step(i + 1, i % 2, 0.1));
    const { loss } = curvesOf(records);
    expect(loss.length).toBeLessThanOrEqual(200);
    expect(loss.every(([, y]) => Math.abs(y - 0.5) < 0.01)).toBe(true);
  });
});
