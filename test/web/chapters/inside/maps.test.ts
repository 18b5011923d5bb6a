// How maps are laid out, how large their numbers are, and their colours.

import { describe, expect, test } from 'vitest';
import { colourOf, inkOn, paint } from '../../../../src/web/chapters/inside/colour.ts';
import {
  channelOf,
  gridOf,
  limitOf,
  stagesOf,
  zerosOf,
} from '../../../../src/web/chapters/inside/maps.ts';

const map = (channels: number, values: readonly number[]) => ({
  size: Math.sqrt(values.length / channels),
  channels,
  values: Float32Array.from(values),
});

describe('maps', () => {
  test('a channel is every so manieth value', () => {
    expect([...channelOf(map(2, [1, 10, 2, 20, 3, 30, 4, 40]), 1)]).toEqual([10, 20, 30, 40]);
  });

  test('the stages of a block are those that it has, in order', () => {
    const one = map(1, [1]);
    const stem = { block: 'conv1', input: one, residual: one, output: one };
    expect(stagesOf(stem).map(([stage]) => stage)).toEqual(['input', 'residual', 'output']);
    const block = { ...stem, middle: one, shortcut: one };
    const stages = stagesOf(block).map(([stage]) => stage);
    expect(stages).toEqual(['input', 'middle', 'residual', 'shortcut', 'output']);
  });

  test.each([
    [3, 3, 1],
    [16, 4, 4],
    [32, 8, 4],
    [64, 8, 8],
  ])('%i maps stand in %i columns and %i rows', (channels, columns, rows) => {
    expect(gridOf(channels)).toEqual({ columns, rows });
  });

  test('one bright pixel does not decide the scale', () => {
    const values = Array.from({ length: 1024 }, (_, i) => (i === 7 ? -500 : (i % 10) / 10));
    expect(limitOf([map(1, values)])).toBeCloseTo(0.9, 6);
  });

  test('maps of zeros have a scale, and so have those with few other values', () => {
    expect(limitOf([map(1, new Array(16).fill(0))])).toBe(1);
    expect(limitOf([map(1, [...new Array(1023).fill(0), 4])])).toBe(4);
  });

  test('what ReLU has cut off is counted', () => {
    expect(zerosOf(map(1, [0, 0, 0, 1]))).toBe(0.75);
  });
});

/** Relative luminance, as WCAG defines it. */
function luminance(rgb: string): number {
  const [r, g, b] = rgb.match(/\d+/g)!.map((text) => {
    const part = Number(text) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const hex = (text: string) =>
  `rgb(${[1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16)).join(' ')})`;

describe.each(['light', 'dark'] as const)('colours in the %s theme', (theme) => {
  test.each([1, -1])('lightness goes one way from zero to %i, and far', (sign) => {
    const row = Array.from({ length: 11 }, (_, i) =>
      luminance(colourOf((sign * i) / 10, 1, theme)),
    );
    const steps = row.slice(1).map((value, i) => value - row[i]!);
    expect(steps.every((step) => (theme === 'light' ? step < 0 : step > 0))).toBe(true);
    const [dark, light] = [Math.min(...row), Math.max(...row)];
    expect((light + 0.05) / (dark + 0.05)).toBeGreaterThan(7);
  });

  test('a number on its colour can be read', () => {
    for (let value = -1; value <= 1; value += 0.05) {
      const field = luminance(colourOf(value, 1, theme));
      const ink = luminance(hex(inkOn(value, 1, theme)));
      const [dark, light] = [Math.min(field, ink), Math.max(field, ink)];
      expect((light + 0.05) / (dark + 0.05)).toBeGreaterThan(4.5);
    }
  });

  test('what is beyond the limit has the full colour, and what is no number none', () => {
    expect(colourOf(7, 1, theme)).toBe(colourOf(1, 1, theme));
    expect(colourOf(Number.NaN, 1, theme)).toBe(colourOf(0, 1, theme));
  });

  test('a map is painted at its place in the image', () => {
    const pixels = new Uint8ClampedArray(4 * 5 * 3);
    paint(pixels, [1, -1, 0, 1], 1, theme, { place: 6, width: 2, stride: 5 });
    const at = (pixel: number) =>
      `rgb(${[...pixels.subarray(4 * pixel, 4 * pixel + 3)].join(' ')})`;
    expect([6, 7, 11, 12].map(at)).toEqual([1, -1, 0, 1].map((v) => colourOf(v, 1, theme)));
    expect(pixels.filter((_, i) => i % 4 === 3 && _ === 255)).toHaveLength(4);
  });
});
