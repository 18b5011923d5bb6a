// Element-wise kernels against their formulas in float64: staging, epilogues as passes, shortcuts,
// pooling.

import { describe, expect, test } from 'vitest';
import {
  type Epilogue,
  epiloguePass,
  productSums,
} from '../../../src/engine/wasm/kernels/epilogue.ts';
import { interiorOffset } from '../../../src/engine/wasm/kernels/image.ts';
import { averagePool, averagePoolGradient } from '../../../src/engine/wasm/kernels/pool.ts';
import { shortcutGather, shortcutScatterAdd } from '../../../src/engine/wasm/kernels/shortcut.ts';
import { type Staging, stage as stageKernel } from '../../../src/engine/wasm/kernels/stage.ts';
import { applyEpilogue } from './epilogue-formulas.ts';
import { Bench, MODES, pad, random, relativeError, SEPARATE } from './harness.ts';

const SHAPES = [
  { height: 8, width: 8, channels: 16 },
  { height: 4, width: 6, channels: 32 },
  { height: 8, width: 8, channels: 64 },
  { height: 4, width: 4, channels: 8 },
  { height: 4, width: 4, channels: 40 },
];
/** One or two float32 operations a value. */
const ELEMENTWISE = 3e-7;
const SUMS = 2e-6;

describe.each(MODES)('passes, $multiplyAdd', (mode) => {
  const stagings: readonly Staging[] = [
    'copy',
    'normRelu',
    'normAddRelu',
    'normPadRelu',
    'normProjectRelu',
    'gradient',
  ];
  test.each(
    stagings.flatMap((staging) =>
      SHAPES.filter(({ channels }) => staging !== 'normPadRelu' || channels % 16 === 0).map(
        (shape) => ({ staging, ...shape }),
      ),
    ),
  )('stage $staging, $height×$width×$channels', ({ staging, height, width, channels }) => {
    const size = height * width * channels;
    const a = random(size, 1);
    // Option A's operand has twice the extent and half the channels: twice the values.
    const b = random(2 * size, 2);
    const coefficients = random(3 * channels, 3);
    const shortcutCoefficients = random(2 * channels, 4);
    const relu = (x: number) => Math.max(0, x);
    const expected = Array.from({ length: size }, (_, i) => {
      const c = i % channels;
      const pixel = Math.floor(i / channels);
      const norm = coefficients[c]! * a[i]! + coefficients[channels + c]!;
      switch (staging) {
        case 'copy':
          return a[i]!;
        case 'normRelu':
          return relu(norm);
        case 'normAddRelu':
          return relu(norm + b[i]!);
        case 'normPadRelu': {
          const from = c - channels / 4;
          if (from < 0 || from >= channels / 2) return relu(norm);
          const [y, x] = [Math.floor(pixel / width), pixel % width];
          return relu(norm + b[((2 * y * 2 * width + 2 * x) * channels) / 2 + from]!);
        }
        case 'normProjectRelu':
          return relu(
            norm + shortcutCoefficients[c]! * b[i]! + shortcutCoefficients[channels + c]!,
          );
        case 'gradient':
          return (
            coefficients[c]! * a[i]! +
            coefficients[channels + c]! * b[i]! +
            coefficients[2 * channels + c]!
          );
        default:
          return staging satisfies never;
      }
    });
    for (const destination of ['padded', 'dense'] as const) {
      for (const keep of [false, true]) {
        const spec = stageKernel({
          ...{ staging, height, width, channels, destination, keep },
          ...(staging === 'normPadRelu' && { before: channels / 4 }),
        });
        const bench = new Bench([spec], mode, 40);
        const padded = destination === 'padded';
        const values = (height + 2) * (width + 2) * channels;
        const base = bench.reserve(values * 4);
        const kept = bench.reserve(size * 4);
        const stage = bench.kernel(spec);
        stage(
          padded ? base + interiorOffset(width, channels) : base,
          keep ? kept : 0,
          bench.put(a),
          bench.put(b),
          bench.put(coefficients),
          bench.put(shortcutCoefficients),
        );
        const dense = Float32Array.from(expected);
        const whole = padded ? pad(dense, height, width, channels) : dense;
        const actual = bench.floats(base, whole.length);
        expect(relativeError(actual, whole)).toBeLessThan(ELEMENTWISE);
        if (padded) {
          expect(actual.subarray(0, (width + 3) * channels).every((v) => v === 0)).toBe(true);
        }
        const other = bench.floats(kept, size);
        if (keep) expect(relativeError(other, dense)).toBeLessThan(ELEMENTWISE);
        else expect(other.every((v) => v === 0)).toBe(true);
      }
    }
  });

  const epilogues: readonly Exclude<Epilogue, 'none'>[] = [
    'statistics',
    'normReluGradient',
    'reluGradient',
    'addReluGradient',
    'bias',
    'biasRelu',
    'biasAddRelu',
  ];
  test.each(epilogues.flatMap((epilogue) => SHAPES.map((shape) => ({ epilogue, ...shape }))))(
    'epilogue $epilogue, $height×$width×$channels',
    ({ epilogue, height, width, channels }) => {
      const size = height * width * channels;
      const spec = epiloguePass({ epilogue, height, width, channels });
      const bench = new Bench([spec], mode, 40);
      const [v, a, b, c] = [random(size, 1), random(size, 2), random(size, 3), random(size, 4)];
      const coefficients = random(2 * channels, 5);
      const before = random(2 * channels, 6);
      const image = bench.put(v);
      const sums = bench.put(before);
      bench.kernel(spec)(
        image,
        sums,
        bench.put(a),
        bench.put(b),
        bench.put(c),
        bench.put(coefficients),
      );
      const expected = applyEpilogue(epilogue, v, a, b, c, coefficients, channels);
      expect(relativeError(bench.floats(image, size), expected.values)).toBeLessThan(ELEMENTWISE);
      const total = (expected.sums ?? new Float64Array(2 * channels)).map((s, i) => s + before[i]!);
      expect(relativeError(bench.floats(sums, 2 * channels), total)).toBeLessThan(SUMS);
    },
  );

  test.each(SHAPES)('sums of products, $height×$width×$channels', (shape) => {
    const { height, width, channels } = shape;
    const size = height * width * channels;
    const spec = productSums(shape);
    const bench = new Bench([spec], mode, 40);
    const [v, a] = [random(size, 1), random(size, 2)];
    const sums = bench.reserve(2 * channels * 4);
    bench.kernel(spec)(bench.put(v), bench.put(a), sums);
    const expected = new Float64Array(2 * channels);
    for (const [i, value] of v.entries()) {
      expected[i % channels]! += value;
      expected[channels + (i % channels)]! += value * a[i]!;
    }
    expect(relativeError(bench.floats(sums, 2 * channels), expected)).toBeLessThan(SUMS);
  });

  test.each([
    [16, 4],
    [32, 8],
    [64, 16],
    [64, 0],
  ])('option A shortcut and its adjoint, %i channels with %i zeros before', (channels, before) => {
    const [height, width] = [4, 6];
    const shape = { height, width, channels, before };
    const gather = shortcutGather(shape);
    const scatter = shortcutScatterAdd(shape);
    const bench = new Bench([gather, scatter], mode, 40);
    const large = random(4 * height * width * (channels / 2), 1);
    const small = random(height * width * channels, 2);
    const gathered = bench.put(random(small.length, 3));
    bench.kernel(gather)(bench.put(large), gathered);
    const scattered = bench.put(large);
    bench.kernel(scatter)(scattered, bench.put(small));
    const expectedSmall = new Float32Array(small.length);
    const expectedLarge = large.slice();
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < channels / 2; c++) {
          const from = ((2 * y * 2 * width + 2 * x) * channels) / 2 + c;
          const to = (y * width + x) * channels + before + c;
          expectedSmall[to] = large[from]!;
          expectedLarge[from]! += small[to]!;
        }
    expect(bench.floats(gathered, small.length)).toEqual(expectedSmall);
    expect(bench.floats(scattered, large.length)).toEqual(expectedLarge);
  });

  test.each(SHAPES)('average pool and its gradient, $height×$width×$channels', (shape) => {
    const { height, width, channels } = shape;
    const size = height * width * channels;
    const pool = averagePool(shape);
    const gradient = averagePoolGradient(shape);
    const bench = new Bench([pool, gradient], mode, 40);
    const [image, a] = [random(size, 1), random(size, 2)];
    const dPooled = random(channels, 3);
    const imageAt = bench.put(image);
    const pooled = bench.reserve(channels * 4);
    bench.kernel(pool)(imageAt, pooled);
    const expectedPooled = new Float64Array(channels);
    for (const [i, v] of image.entries()) expectedPooled[i % channels]! += v / (height * width);
    expect(relativeError(bench.floats(pooled, channels), expectedPooled)).toBeLessThan(SUMS);

    const [output, sums] = [bench.reserve(size * 4), bench.reserve(2 * channels * 4)];
    bench.kernel(gradient)(bench.put(dPooled), output, sums, bench.put(a), imageAt);
    const spread = Float64Array.from(image, (_, i) => dPooled[i % channels]! / (height * width));
    const expected = applyEpilogue('reluGradient', spread, a, image, [], [], channels);
    expect(relativeError(bench.floats(output, size), expected.values)).toBeLessThan(ELEMENTWISE);
    expect(relativeError(bench.floats(sums, 2 * channels), expected.sums!)).toBeLessThan(SUMS);
  });
});

test('a NaN passes through ReLU, so that it reaches the loss and stops the run', () => {
  const spec = stageKernel({
    staging: 'normRelu',
    height: 4,
    width: 4,
    channels: 8,
    destination: 'dense',
    keep: false,
  });
  const bench = new Bench([spec], SEPARATE, 40);
  const image = random(128, 1);
  image[5] = Number.NaN;
  const coefficients = new Float32Array(16).fill(1, 0, 8);
  const output = bench.reserve(512);
  bench.kernel(spec)(output, 0, bench.put(image), 0, bench.put(coefficients), 0);
  expect(bench.floats(output, 128)[5]).toBeNaN();
});
