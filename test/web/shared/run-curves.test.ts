// The curves of a run: fed live or from its folder, over steps or epochs, and gone on with.

import { describe, expect, it } from 'vitest';
import type { MetricsRecord } from '../../../src/runs/metrics.ts';
import type { StepEvent } from '../../../src/train/events.ts';
import type { Curve } from '../../../src/web/shared/chart/curve.ts';
import { RunCurves } from '../../../src/web/shared/run-curves.ts';

const BATCHES = 4;

/** The n-th step, n from 1; its loss is 1 / n, its accuracy n %. */
function step(n: number): StepEvent {
  const epoch = Math.floor((n - 1) / BATCHES);
  return {
    kind: 'step',
    epoch,
    batch: (n - 1) % BATCHES,
    batches: BATCHES,
    iteration: n,
    learningRate: 0.1,
    imagesPerSecond: 100,
    count: 8,
    loss: 1 / n,
    lossAverage: 1 / n,
    top1: n / 100,
    top1Average: n / 100,
    top5: 1,
    top5Average: 1,
    dataTime: 0,
    dataTimeAverage: 0,
    batchTime: 0.1,
    batchTimeAverage: 0.1,
    secondsLeft: 1,
  };
}

const END = { trainLoss: 0.5, trainTop1: 0.75, trainTop5: 1, seconds: 2, imagesPerSecond: 100 };
const epochEnd = (epoch: number) =>
  ({
    kind: 'epoch-end',
    epoch,
    epochs: 3,
    iteration: (epoch + 1) * BATCHES,
    learningRate: 0.1,
    ...END,
  }) as const;
const evaluation = (epoch: number, top1Error: number, split: 'test' | 'validation' = 'test') =>
  ({
    kind: 'evaluation',
    split,
    epoch,
    images: 100,
    partial: false,
    wrong: 100 * top1Error,
    loss: 0.4,
    top1Error,
    top5Error: 0,
    seconds: 1,
    isBest: true,
    bestError: top1Error,
    bestEpoch: epoch,
  }) as const;

const points = (curve: Curve) =>
  Array.from({ length: curve.length }, (_, i) => [curve.x(i), curve.y(i)]);

describe('curves of a run', () => {
  it('have a point a step, and the error of an epoch where the epoch ended', () => {
    const curves = new RunCurves();
    for (let n = 1; n <= 4; n++) curves.event(step(n));
    curves.event(epochEnd(0));
    curves.event(evaluation(0, 0.3));
    expect(points(curves.bySteps.loss)).toEqual([
      [1, 1],
      [2, 1 / 2],
      [3, 1 / 3],
      [4, 1 / 4],
    ]);
    expect(points(curves.bySteps.trainError)[1]).toEqual([2, 0.98]);
    expect(points(curves.bySteps.test)).toEqual([[4, 0.3]]);
    expect(curves.epochs).toEqual([
      expect.objectContaining({ epoch: 0, trainLoss: 0.5, trainError: 0.25, testError: 0.3 }),
    ]);
  });

  it('are the same from the lines of metrics.jsonl', () => {
    const [live, read] = [new RunCurves(), new RunCurves()];
    const events = [step(1), epochEnd(0), evaluation(0, 0.3)];
    for (const event of events) live.event(event);
    for (const event of events) {
      const kind = event.kind === 'epoch-end' ? 'epoch' : event.kind;
      read.record({ ...event, kind, time: 0 } as MetricsRecord);
    }
    expect(read.epochs).toEqual(live.epochs);
    expect(points(read.bySteps.loss)).toEqual(points(live.bySteps.loss));
    expect(points(read.bySteps.test)).toEqual(points(live.bySteps.test));
  });

  it('over epochs follow those over steps', () => {
    const curves = new RunCurves();
    curves.event(step(1));
    const { loss } = curves.byEpochs(BATCHES);
    expect(curves.byEpochs(BATCHES).loss).toBe(loss);
    curves.event(step(2));
    expect(points(loss)).toEqual([
      [1 / 4, 1],
      [2 / 4, 1 / 2],
    ]);
  });

  it('replace the steps that are done again after a checkpoint', () => {
    const curves = new RunCurves();
    for (let n = 1; n <= 6; n++) curves.event(step(n));
    const { loss } = curves.byEpochs(BATCHES);
    curves.event({ ...step(3), loss: 7 });
    expect(points(curves.bySteps.loss).map(([x]) => x)).toEqual([1, 2, 3]);
    expect(points(loss).at(-1)).toEqual([3 / 4, 7]);
  });

  it('mark changes of the rate, once each', () => {
    const curves = new RunCurves();
    const change = { kind: 'rate', epoch: 0, batch: 2, factor: 0.5, learningRate: 0.05 } as const;
    curves.event({ ...change, iteration: 2 });
    curves.event({ ...change, iteration: 2 });
    expect(curves.rates).toEqual([{ iteration: 2, factor: 0.5, learningRate: 0.05 }]);
  });

  it('call an epoch the best by the validation error, where there is one', () => {
    const curves = new RunCurves();
    curves.event(epochEnd(0));
    curves.event({ ...evaluation(0, 0.2, 'validation'), isBest: false });
    curves.event(evaluation(0, 0.3));
    expect(curves.epochs[0]).toMatchObject({ validationError: 0.2, testError: 0.3, isBest: false });
  });
});
