// From a run's metrics to the lines of a figure, thinned so that a page with thirty runs stays small.

import type { MetricsRecord } from '../../runs/metrics.ts';
import type { Point, RunCurves } from './data.ts';

/** Steps are averaged (loss) or thinned (learning rate) to at most so many points. */
const POINTS = 200;

export function curvesOf(records: readonly MetricsRecord[]): RunCurves {
  const iterations = new Map<number, number>();
  const trainError: Point[] = [];
  const testError: Point[] = [];
  const rates: Point[] = [];
  const losses: Point[] = [];
  for (const record of records) {
    if (record.kind === 'step') {
      rates.push([record.iteration, record.learningRate]);
      losses.push([record.iteration, record.loss]);
    } else if (record.kind === 'epoch') {
      iterations.set(record.epoch, record.iteration);
      trainError.push([record.iteration, percent(1 - record.trainTop1)]);
    } else if (record.kind === 'evaluation' && record.split === 'test') {
      const iteration = iterations.get(record.epoch);
      if (iteration !== undefined) testError.push([iteration, percent(record.top1Error)]);
    }
  }
  return {
    trainError,
    testError,
    learningRate: isStaircase(rates) ? corners(rates) : thinned(rates, POINTS),
    loss: averaged(losses, POINTS),
  };
}

/** Per cent with the digits that 10,000 images can have; 0.1 + 0.2 must not fill a file. */
export function percent(fraction: number): number {
  return Number((100 * fraction).toFixed(4));
}

/** Drops and a warm-up move the rate seldom, a one-cycle schedule at every step. */
function isStaircase(points: readonly Point[]): boolean {
  const moves = points.filter(([, y], index) => index > 0 && points[index - 1]![1] !== y);
  return 2 * moves.length < points.length;
}

/** A step function as its corners: nothing else can be seen. */
function corners(points: readonly Point[]): Point[] {
  const result: Point[] = [];
  points.forEach((point, index) => {
    const before = points[index - 1];
    const [x, y] = point;
    if (before && before[1] !== y) result.push([x, before[1]]);
    if (!before || before[1] !== y || index === points.length - 1) result.push(point);
  });
  return result;
}

/** Points at equal distances, and the two ends and the peak, which are what one looks for. */
function thinned(points: readonly Point[], most: number): Point[] {
  const stride = Math.ceil(points.length / most);
  const peak = points.reduce((best, [, y], index) => (y > points[best]![1] ? index : best), 0);
  return points
    .filter((_, index) => index % stride === 0 || index === peak || index === points.length - 1)
    .map(([x, y]) => [x, Number(y.toPrecision(6))]);
}

function averaged(points: readonly Point[], most: number): Point[] {
  const bucket = Math.ceil(points.length / most);
  if (bucket <= 1) return points.map(([x, y]) => [x, Number(y.toFixed(5))]);
  const result: Point[] = [];
  for (let start = 0; start < points.length; start += bucket) {
    const part = points.slice(start, start + bucket);
    const [x, y] = part.reduce(([sx, sy], [px, py]) => [sx + px, sy + py], [0, 0]);
    result.push([Math.round(x / part.length), Number((y / part.length).toFixed(5))]);
  }
  return result;
}
