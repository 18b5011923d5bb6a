// Muon's own kernels, to the bit. The matrix products between them are convolutions', with tests of their own.

import { describe, expect, test } from 'vitest';
import { muonMomentum, weightedSum } from '../../../src/engine/wasm/kernels/muon.ts';
import { Bench, MODES, random } from './harness.ts';

const { fround } = Math;

describe.each(MODES)('$multiplyAdd, $simdWidth bits', (mode) => {
  test.each([true, false])('the momentum of a bank, Nesterov: %s', (nesterov) => {
    const length = 432;
    const spec = muonMomentum({ nesterov });
    const bench = new Bench([spec], mode, 40);
    const [g, v] = [random(length, 1), random(length, 2)];
    const momentum = fround(0.9);
    const [velocity, ahead] = [bench.put(v), bench.reserve(length * 4)];
    bench.kernel(spec)(bench.put(g), velocity, ahead, length * 4, momentum);
    const expected = v.map((x, i) => fround(fround(momentum * x) + g[i]!));
    expect(bench.floats(velocity, length)).toEqual(expected);
    const looked = expected.map((x, i) => fround(g[i]! + fround(momentum * x)));
    expect(bench.floats(ahead, length)).toEqual(nesterov ? looked : expected);
    expect(bench.floats(ahead + length * 4, 4).every((x) => x === 0)).toBe(true);
  });

  test('a weighted sum, also in place', () => {
    const length = 256;
    const spec = weightedSum();
    const bench = new Bench([spec], mode, 40);
    const [x, y] = [random(length, 1), random(length, 2)];
    const [first, second] = [fround(0.999), fround(-0.05)];
    const at = bench.put(x);
    bench.kernel(spec)(at, bench.put(y), at, length * 4, first, second);
    const expected = x.map((value, i) => fround(fround(first * value) + fround(second * y[i]!)));
    expect(bench.floats(at, length)).toEqual(expected);
  });
});
