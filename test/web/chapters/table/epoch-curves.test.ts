// The curves of a run over its epochs, from whoever tells of it.

import { describe, expect, test } from 'vitest';
import type { MetricsRecord } from '../../../../src/runs/metrics.ts';
import { EpochCurves } from '../../../../src/web/chapters/table/epoch-curves.ts';
import type { Curve } from '../../../../src/web/shared/chart/curve.ts';
import { run } from '../../../experiment/report/support/runs.ts';

const points = (curve: Curve) =>
  Array.from({ length: curve.length }, (_, i) => [curve.x(i), curve.y(i)]);

function epoch(number: number, trainTop1: number, error: number): MetricsRecord[] {
  const common = { epoch: number, seconds: 1, time: 0 };
  return [
    {
      ...common,
      ...{ kind: 'epoch', iteration: 391 * (number + 1), learningRate: 0.1, trainLoss: 1 },
      ...{ trainTop1, trainTop5: 1, imagesPerSecond: 1 },
    },
    {
      ...common,
      ...{ kind: 'evaluation', split: 'test', images: 100, partial: false, wrong: 1, loss: 1 },
      ...{ top1Error: error, top5Error: 0, isBest: true, bestError: error, bestEpoch: number },
    },
  ];
}

const row = (number: number, trainError: number, testError?: number) => ({
  ...{ epoch: number, iteration: 391 * (number + 1), learningRate: 0.1, trainLoss: 1 },
  ...{ trainError, imagesPerSecond: 1, seconds: 1, testError },
});

describe('curves over epochs', () => {
  test('of a collected run: its steps are divided by those of an epoch', () => {
    const { curves } = EpochCurves.of(run('resnet20', 1, 8));
    expect(points(curves.test)).toEqual([
      [1, 45],
      [2, 8],
    ]);
    expect(points(curves.training)).toEqual([
      [1, 40],
      [2, 5],
    ]);
  });

  test('of lines of metrics.jsonl: per cent after whole epochs', () => {
    const made = new EpochCurves();
    made.records([...epoch(0, 0.6, 0.45), ...epoch(1, 0.95, 0.08)]);
    expect(points(made.curves.test)).toEqual([
      [1, 45],
      [2, 8],
    ]);
    expect(points(made.curves.training)).toEqual([
      [1, 40],
      [2, 5],
    ]);
  });

  test('of a table of epochs that grows: what is new is added, what is there stays', () => {
    const made = new EpochCurves();
    const rows = [row(0, 0.4, 0.45)];
    made.rows(rows);
    const { rewrites } = made.curves.test;
    made.rows([...rows, row(1, 0.05)]);
    expect(points(made.curves.training)).toEqual([
      [1, 40],
      [2, 5],
    ]);
    expect(points(made.curves.test)).toEqual([[1, 45]]);
    made.rows([...rows, row(1, 0.05, 0.08)]);
    expect(points(made.curves.test)).toEqual([
      [1, 45],
      [2, 8],
    ]);
    expect(made.curves.test.rewrites).toBe(rewrites);
  });

  test('are told anew where a run was resumed from an earlier moment', () => {
    const made = new EpochCurves();
    made.records([...epoch(0, 0.6, 0.45), ...epoch(1, 0.95, 0.08)]);
    made.clear();
    made.records(epoch(0, 0.5, 0.5));
    expect(points(made.curves.test)).toEqual([[1, 50]]);
  });
});
