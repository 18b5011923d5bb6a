import { describe, expect, test } from 'vitest';
import {
  compareIndependent,
  comparePaired,
  compareWithConstant,
  countingError,
  describeSample,
  mean,
  meanInterval,
  sampleDeviation,
  tProbability,
  tQuantile,
} from '../../src/util/statistics.ts';

test('the mean of nothing is refused', () => {
  expect(() => mean([])).toThrow(RangeError);
  expect(describeSample([])).toBeUndefined();
});

test('the sample deviation divides by n − 1, and one value has none', () => {
  expect(sampleDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7), 12);
  expect(sampleDeviation([7])).toBeUndefined();
});

describe("Student's t", () => {
  // Printed tables (two-sided 95 % and 99 %, one-sided 95 %).
  test.each([
    [0.975, 1, 12.7062],
    [0.975, 2, 4.30265],
    [0.975, 4, 2.77645],
    [0.975, 9, 2.26216],
    [0.975, 30, 2.04227],
    [0.975, 1000, 1.96234],
    [0.995, 4, 4.60409],
    [0.995, 1, 63.65674],
    [0.95, 5, 2.01505],
    [0.9995, 3, 12.92398],
  ])('the %d quantile with %d degrees of freedom is %d', (probability, degrees, expected) => {
    expect(tQuantile(probability, degrees)).toBeCloseTo(expected, 4);
  });

  test('is symmetric, with its median at zero', () => {
    expect(tQuantile(0.025, 4)).toBeCloseTo(-tQuantile(0.975, 4), 12);
    expect(tQuantile(0.5, 3)).toBeCloseTo(0, 12);
  });

  test('probability and quantile undo each other, also for fractions of degrees', () => {
    for (const degrees of [1, 2.7, 8.31, 55]) {
      for (const p of [0.6, 0.9, 0.975, 0.999]) {
        expect(tProbability(tQuantile(p, degrees), degrees)).toBeCloseTo(p, 12);
      }
    }
  });

  test('with one degree of freedom is the Cauchy distribution', () => {
    for (const t of [-3, -0.5, 0, 1, 20]) {
      expect(tProbability(t, 1)).toBeCloseTo(0.5 + Math.atan(t) / Math.PI, 12);
    }
  });

  test('refuses impossible arguments', () => {
    expect(() => tQuantile(1, 4)).toThrow(RangeError);
    expect(() => tQuantile(0.5, 0)).toThrow(RangeError);
  });
});

test("the interval of the paper's five ResNet-110 runs, 6.61 ± 0.16", () => {
  const { low, high } = meanInterval({ n: 5, mean: 6.61, deviation: 0.16 })!;
  expect(high - 6.61).toBeCloseTo((2.77645 * 0.16) / Math.sqrt(5), 5);
  expect((low + high) / 2).toBeCloseTo(6.61, 12);
});

test('one run has no interval, only a difference', () => {
  const sample = describeSample([8.5])!;
  expect(meanInterval(sample)).toBeUndefined();
  expect(compareWithConstant(sample, 8.75)).toMatchObject({
    difference: -0.25,
    interval: undefined,
    pValue: undefined,
  });
});

describe("two groups: Student's sleep data, with what R's t.test says about them", () => {
  const first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
  const second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];

  test('independent (Welch)', () => {
    const { difference, interval, pValue, degreesOfFreedom } = compareIndependent(
      describeSample(first)!,
      describeSample(second)!,
    );
    expect(difference).toBeCloseTo(-1.58, 10);
    expect(degreesOfFreedom).toBeCloseTo(17.776, 3);
    expect(pValue).toBeCloseTo(0.07939, 5);
    expect(interval!.low).toBeCloseTo(-3.3654832, 6);
    expect(interval!.high).toBeCloseTo(0.2054832, 6);
  });

  test('paired', () => {
    const { difference, interval, pValue, degreesOfFreedom } = comparePaired(first, second);
    expect(difference).toBeCloseTo(-1.58, 10);
    expect(degreesOfFreedom).toBe(9);
    expect(pValue).toBeCloseTo(0.002833, 6);
    expect(interval!.low).toBeCloseTo(-2.4598858, 6);
    expect(interval!.high).toBeCloseTo(-0.7001142, 6);
  });

  test('pairs must be complete', () => {
    expect(() => comparePaired([1, 2], [1])).toThrow(RangeError);
    expect(() => comparePaired([], [])).toThrow(RangeError);
  });

  test('without any spread there is no doubt', () => {
    const same = { n: 2, mean: 5, deviation: 0 };
    expect(compareIndependent(same, same)).toMatchObject({
      pValue: 1,
      interval: { low: 0, high: 0 },
    });
    expect(compareWithConstant(same, 4)).toMatchObject({
      pValue: 0,
      interval: { low: 1, high: 1 },
    });
  });
});

test('10,000 images at 7 % error count to ± 0.26 points', () => {
  expect(100 * countingError(0.07, 10_000)).toBeCloseTo(0.255, 3);
});
