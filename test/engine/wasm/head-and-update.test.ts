// The ends of a step: byte images in, the classifier, the optimizer and fixed-order sums.

import { describe, expect, test } from 'vitest';
import { copyBytes, zeroBytes } from '../../../src/engine/wasm/kernels/bulk-memory.ts';
import { inputImage } from '../../../src/engine/wasm/kernels/input-image.ts';
import {
  linear,
  linearInputGradient,
  linearWeightGradient,
} from '../../../src/engine/wasm/kernels/linear.ts';
import { sgdUpdate, sumPartials } from '../../../src/engine/wasm/kernels/update.ts';
import { Bench, FUSED, MODES, random, relativeError, SEPARATE } from './harness.ts';

describe('input image', () => {
  const spec = inputImage({ height: 32, width: 32 });
  const source = Uint8Array.from(random(3072, 1), (x) => Math.abs(x * 997) % 256);
  const normalization = random(3 + 3072, 2);

  test.each([
    [4, 4, 0],
    [0, 8, 0],
    [8, 0, 1],
    [3, 5, 1],
    [6, 1, 0],
  ])('crop from (%i, %i), flip %i', (dy, dx, flip) => {
    const bench = new Bench([spec], SEPARATE, 40);
    const bytes = bench.reserve(3072);
    bench.bytes.set(source, bytes);
    const padded = bench.reserve(34 * 34 * 3 * 4);
    bench.kernel(spec)(bytes, padded, dy, dx, flip, bench.put(normalization));
    const expected = new Float32Array(34 * 34 * 3);
    for (let y = 0; y < 32; y++)
      for (let x = 0; x < 32; x++)
        for (let c = 0; c < 3; c++) {
          const sourceY = y + dy - 4;
          const sourceX = (flip ? 31 - x : x) + dx - 4;
          const inside = sourceY >= 0 && sourceY < 32 && sourceX >= 0 && sourceX < 32;
          const byte = inside ? source[(sourceY * 32 + sourceX) * 3 + c]! : 0;
          expected[((y + 1) * 34 + x + 1) * 3 + c] =
            Math.fround(byte * normalization[c]!) + normalization[3 + (y * 32 + x) * 3 + c]!;
        }
    expect(bench.floats(padded, expected.length)).toEqual(expected);
  });
});

describe.each(MODES)('classifier, $multiplyAdd', (mode) => {
  test.each([
    { channels: 64, classes: 10 },
    { channels: 64, classes: 100 },
    { channels: 64, classes: 3 },
    { channels: 8, classes: 7 },
  ])('$channels features, $classes classes', ({ channels, classes }) => {
    const count = 5;
    const forward = linear({ channels });
    const input = linearInputGradient({ channels });
    const weight = linearWeightGradient({ channels });
    const bench = new Bench([forward, input, weight], mode, 40);
    const x = random(count * channels, 1);
    const w = random(classes * channels, 2);
    const bias = random(classes, 3);
    const d = random(count * classes, 4);
    const [xAt, wAt, dAt] = [bench.put(x), bench.put(w), bench.put(d)];
    const logits = bench.reserve(count * classes * 4);
    bench.kernel(forward)(xAt, wAt, bench.put(bias), logits, count, classes);
    const dx = bench.reserve(x.byteLength);
    bench.kernel(input)(dAt, wAt, dx, count, classes);
    const [beforeW, beforeB] = [random(w.length, 5), random(classes, 6)];
    const [dw, db] = [bench.put(beforeW), bench.put(beforeB)];
    bench.kernel(weight)(dAt, xAt, dw, db, count, classes);

    const expected = {
      logits: new Float64Array(count * classes),
      dx: new Float64Array(x.length),
      dw: Float64Array.from(beforeW),
      db: Float64Array.from(beforeB),
    };
    for (let n = 0; n < count; n++)
      for (let k = 0; k < classes; k++) {
        const gradient = d[n * classes + k]!;
        expected.logits[n * classes + k]! += bias[k]!;
        expected.db[k]! += gradient;
        for (let c = 0; c < channels; c++) {
          expected.logits[n * classes + k]! += x[n * channels + c]! * w[k * channels + c]!;
          expected.dx[n * channels + c]! += gradient * w[k * channels + c]!;
          expected.dw[k * channels + c]! += gradient * x[n * channels + c]!;
        }
      }
    expect(relativeError(bench.floats(logits, count * classes), expected.logits)).toBeLessThan(
      1e-6,
    );
    expect(relativeError(bench.floats(dx, x.length), expected.dx)).toBeLessThan(1e-6);
    expect(relativeError(bench.floats(dw, w.length), expected.dw)).toBeLessThan(1e-6);
    expect(relativeError(bench.floats(db, classes), expected.db)).toBeLessThan(1e-6);
  });
});

describe('update', () => {
  test.each([
    ...[8, 24, 432, 650, 3].map((length) => ({ length, nesterov: false })),
    ...[24, 650, 3].map((length) => ({ length, nesterov: true })),
  ])(
    'SGD over $length values is PyTorch’s, to the bit (Nesterov: $nesterov)',
    ({ length, nesterov }) => {
      const spec = sgdUpdate({ nesterov });
      const bench = new Bench([spec], FUSED, 40);
      const [rate, momentum, decay] = [0.1, 0.9, 1e-4].map(Math.fround) as [number, number, number];
      const w = random(length, 1);
      const v = new Float32Array(length);
      const [wAt, vAt] = [bench.put(w), bench.put(v)];
      for (let step = 0; step < 3; step++) {
        const g = random(length, 5 + step);
        bench.kernel(spec)(wAt, bench.put(g), vAt, length * 4, rate, momentum, decay);
        for (let i = 0; i < length; i++) {
          const decayed = Math.fround(g[i]! + Math.fround(decay * w[i]!));
          v[i] = Math.fround(Math.fround(momentum * v[i]!) + decayed);
          const ahead = Math.fround(decayed + Math.fround(momentum * v[i]!));
          w[i] = w[i]! - Math.fround(rate * (nesterov ? ahead : v[i]!));
        }
        expect(bench.floats(wAt, length)).toEqual(w);
        expect(bench.floats(vAt, length)).toEqual(v);
      }
      // Nothing after the range is touched.
      expect(bench.floats(wAt + length * 4, 4).every((x) => x === 0)).toBe(true);
    },
  );

  test.each([
    [64, 1],
    [100, 5],
    [3, 16],
  ])('sum of partial results, %i values of %i blocks, in order', (length, count) => {
    const spec = sumPartials();
    const bench = new Bench([spec], SEPARATE, 40);
    const stride = Math.ceil(length / 16) * 64 + 64;
    const partials = random((stride / 4) * count, 1);
    const destination = bench.reserve(length * 4);
    bench.kernel(spec)(destination, bench.put(partials), length * 4, stride, count);
    const expected = partials.slice(0, length);
    for (let r = 1; r < count; r++)
      for (let i = 0; i < length; i++) expected[i]! += partials[(r * stride) / 4 + i]!;
    expect(bench.floats(destination, length)).toEqual(expected);
  });

  test('memory is copied and cleared', () => {
    const [copy, zero] = [copyBytes(), zeroBytes()];
    const bench = new Bench([copy, zero], SEPARATE, 40);
    const values = random(50, 1);
    const [from, to] = [bench.put(values), bench.reserve(200)];
    bench.kernel(copy)(to, from, 200);
    expect(bench.floats(to, 50)).toEqual(values);
    bench.kernel(zero)(to + 4, 100);
    expect(bench.floats(to, 50)[0]).toBe(values[0]);
    expect(bench.floats(to + 4, 25).every((x) => x === 0)).toBe(true);
    expect(bench.floats(to + 104, 1)[0]).toBe(values[26]);
  });
});
