// Curves that grow, and what is left of them on a screen.

import { describe, expect, test } from 'vitest';
import { Curve, factsOf } from '../../../src/web/shared/chart/curve.ts';
import { freePlace, lookAt, lookOf } from '../../../src/web/shared/chart/palette.ts';
import { extent, Sampler } from '../../../src/web/shared/chart/sampling.ts';

const OPTIONS = { logX: false, columns: 100 };

function pointsOf(curve: Curve): [number, number][] {
  return Array.from({ length: curve.length }, (_, i) => [curve.x(i), curve.y(i)]);
}

/** Flat, with one single peak. */
function peaked(length: number, at: number): Curve {
  return Curve.of(Array.from({ length }, (_, i) => [i, i === at ? 9 : 1] as const));
}

describe('a curve', () => {
  test('keeps all of its points', () => {
    const points = Array.from({ length: 1000 }, (_, i) => [i, i * i] as [number, number]);
    expect(pointsOf(Curve.of(points))).toEqual(points);
  });

  test('takes back what a run that goes on from a checkpoint does again', () => {
    const curve = Curve.of([
      [1, 5],
      [2, 4],
      [3, 3],
    ]);
    curve.push(2, 7);
    expect(pointsOf(curve)).toEqual([
      [1, 5],
      [2, 7],
    ]);
  });

  test('leaves out what is no number', () => {
    const curve = Curve.of([[1, Number.NaN]]);
    curve.push(2, 1);
    curve.push(3, Infinity);
    expect(pointsOf(curve)).toEqual([[2, 1]]);
  });

  test('tells its readers until they have enough', () => {
    const curve = new Curve();
    let told = 0;
    const end = curve.subscribe(() => told++);
    curve.push(1, 1);
    curve.clear();
    end();
    curve.push(2, 1);
    expect(told).toBe(2);
  });

  test('is told in figures, or not at all when empty', () => {
    const curve = Curve.of([
      [1, 5],
      [2, 2],
      [3, 4],
    ]);
    expect(factsOf(curve)).toEqual({
      first: 5,
      latest: 4,
      latestX: 3,
      lowest: 2,
      lowestX: 2,
      highest: 5,
    });
    expect(factsOf(new Curve())).toBeUndefined();
  });
});

describe('sampling', () => {
  test('shows few points as they are, side by side with those of another curve', () => {
    const a = Curve.of([
      [1, 10],
      [3, 30],
    ]);
    const b = Curve.of([[2, 5]]);
    const lines = [a, b].map((curve) => ({ curve, smoothing: 0 }));
    expect(new Sampler().sample(lines, OPTIONS)).toEqual({
      x: [1, 2, 3],
      y: [
        [10, null, 30],
        [null, 5, null],
      ],
    });
  });

  test('loses no peak of many points', () => {
    const line = { curve: peaked(100_000, 54_321), smoothing: 0 };
    const { x, y } = new Sampler().sample([line], OPTIONS);
    expect(x.length).toBeLessThanOrEqual(2 * OPTIONS.columns + 4);
    expect(Math.max(...(y[0] as number[]))).toBe(9);
    const place = y[0]!.indexOf(9);
    expect(Math.abs(x[place]! - 54_321)).toBeLessThan(2000);
  });

  test('smooths with every point, before it thins', () => {
    // Points that jump between 0 and 2 have the mean 1; thinned first, only 0s and 2s would be left.
    const curve = Curve.of(Array.from({ length: 50_000 }, (_, i) => [i, (i % 2) * 2] as const));
    const { y } = new Sampler().sample([{ curve, smoothing: 0.99 }], OPTIONS);
    for (const value of y[0]!.slice(4)) expect(value).toBeCloseTo(1, 1);
  });

  test('counts the first points in full', () => {
    const curve = Curve.of([
      [1, 4],
      [2, 4],
      [3, 4],
    ]);
    const { y } = new Sampler().sample([{ curve, smoothing: 0.9 }], OPTIONS);
    for (const value of y[0]!) expect(value).toBeCloseTo(4, 12);
  });

  test('comes to the same whether points came at once or one by one, or were taken back', () => {
    const sampler = new Sampler();
    const growing = new Curve();
    const line = { curve: growing, smoothing: 0.7 };
    const value = (i: number) => Math.sin(i / 50) + (i % 7);
    for (let i = 0; i < 5000; i++) {
      growing.push(i, value(i));
      if (i % 100 === 0) sampler.sample([line], OPTIONS);
    }
    for (let i = 3000; i < 5000; i++) growing.push(i, value(i));
    const whole = Curve.of(pointsOf(growing));
    expect(sampler.sample([line], OPTIONS)).toEqual(
      new Sampler().sample([{ curve: whole, smoothing: 0.7 }], OPTIONS),
    );
  });

  test('shows a part in more detail', () => {
    const line = { curve: peaked(100_000, 54_321), smoothing: 0 };
    const range = [54_300, 54_340] as const;
    const { x, y } = new Sampler().sample([line], { ...OPTIONS, range });
    expect(x[y[0]!.indexOf(9)]).toBe(54_321);
    expect(x.length).toBeLessThan(50);
  });

  test('has columns of one width on a logarithmic axis', () => {
    const curve = Curve.of(Array.from({ length: 100_000 }, (_, i) => [i + 1, 1] as const));
    const { x } = new Sampler().sample([{ curve, smoothing: 0 }], { ...OPTIONS, logX: true });
    const between = (low: number, high: number) => x.filter((v) => v >= low && v < high).length;
    expect(Math.abs(between(100, 1000) - between(1000, 10_000))).toBeLessThan(6);
  });

  test('does not go through all points of long runs again for a new one', () => {
    const curves = Array.from({ length: 50 }, () =>
      Curve.of(Array.from({ length: 78_200 }, (_, i) => [i, i % 13] as const)),
    );
    const lines = curves.map((curve) => ({ curve, smoothing: 0.6 }));
    const sampler = new Sampler();
    const timed = () => {
      const start = performance.now();
      sampler.sample(lines, { ...OPTIONS, columns: 600 });
      return performance.now() - start;
    };
    const whole = timed();
    const next = Array.from({ length: 9 }, (_, i) => {
      for (const curve of curves) curve.push(78_200 + i, 1);
      return timed();
    }).sort((a, b) => a - b);
    expect(next[4]).toBeLessThan(whole / 3);
  });

  test('of nothing has a range', () => {
    expect(extent([new Curve()])).toEqual([0, 1]);
    expect(new Sampler().sample([{ curve: new Curve(), smoothing: 0 }], OPTIONS)).toEqual({
      x: [],
      y: [[]],
    });
  });
});

describe('colours', () => {
  test('stay with a run', () => {
    const look = lookOf('runs/a');
    for (let i = 0; i < 20; i++) lookOf(`runs/other-${i}`);
    expect(lookOf('runs/a')).toEqual(look);
  });

  test('of eight runs are eight, whatever they are called', () => {
    const taken = new Set<number>();
    for (let i = 0; i < 8; i++) taken.add(freePlace(`run ${i}`, taken));
    expect(new Set([...taken].map((place) => lookAt(place).color)).size).toBe(8);
  });

  test('repeat after eight with other dashes', () => {
    expect(lookAt(8).color).toBe(lookAt(0).color);
    expect(lookAt(8).dash).not.toEqual(lookAt(0).dash);
  });
});
