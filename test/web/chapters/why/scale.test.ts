// Sizes over many powers of ten, on an axis and in words.

import { describe, expect, it } from 'vitest';
import { formatSize, logScale, placeOn } from '../../../../src/web/chapters/why/scale.ts';

describe('a logarithmic scale', () => {
  it('holds every value, and has 1 among few lines', () => {
    const scale = logScale([3e-10, 200, 4e5]);
    expect(scale).toMatchObject({ low: -10, high: 6 });
    expect(scale.ticks).toContain(0);
    expect(scale.ticks.length).toBeLessThanOrEqual(8);
  });

  it('does not stretch small differences over its whole height', () => {
    expect(logScale([0.9, 1.1])).toMatchObject({ low: -2, high: 2 });
    expect(logScale([])).toMatchObject({ low: -2, high: 2 });
  });

  it('puts a value between its ends, and what is below at the lower end', () => {
    const scale = logScale([0.01, 100]);
    expect([0.01, 1, 100].map((value) => placeOn(scale, value))).toEqual([0, 0.5, 1]);
    expect(placeOn(scale, 0)).toBe(0);
  });
});

it('sizes are written with two digits', () => {
  expect([0, 1, 0.4567, 17.3, 4800, 31_000, 4.4e-10].map(formatSize)).toEqual([
    ...['0', '1', '0.46', '17', '4800'],
    ...['3.1 × 10⁴', '4.4 × 10⁻¹⁰'],
  ]);
});
