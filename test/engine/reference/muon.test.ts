// What Muon means: what becomes of a matrix's singular values, and how the weights change.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import {
  type Muon,
  ORTHOGONAL_COEFFICIENTS,
  ORTHOGONAL_STEPS,
  otherRanges,
} from '../../../src/engine/operations/muon.ts';
import type { ConvolutionGeometry } from '../../../src/engine/operations/operands.ts';
import { muon, orthogonal } from '../../../src/engine/reference/operations/muon.ts';
import type { ReferenceState } from '../../../src/engine/reference/state.ts';
import { randomStream } from '../../../src/util/random.ts';
import { noise } from '../../golden/formula.ts';

/** Columns that are orthogonal to one another and of length 1 (Gram and Schmidt). */
function orthonormal(rows: number, columns: number, seed: number): number[][] {
  const random = randomStream(seed, 'orthonormal');
  const basis: number[][] = [];
  for (let j = 0; j < columns; j++) {
    let column = Array.from({ length: rows }, () => random.normal());
    for (const other of [...basis, ...basis]) {
      const along = column.reduce((sum, x, i) => sum + x * other[i]!, 0);
      column = column.map((x, i) => x - along * other[i]!);
    }
    const length = Math.hypot(...column);
    basis.push(column.map((x) => x / length));
  }
  return basis;
}

/** Σ over j of value j · left column j · right column jᵀ, as [rows][columns]. */
function compose(left: number[][], values: number[], right: number[][]): Float64Array {
  const [rows, columns] = [left[0]!.length, right[0]!.length];
  const matrix = new Float64Array(rows * columns);
  for (const [j, value] of values.entries())
    for (let r = 0; r < rows; r++)
      for (let o = 0; o < columns; o++)
        matrix[r * columns + o]! += value * left[j]![r]! * right[j]![o]!;
  return matrix;
}

describe('a matrix that is made orthogonal', () => {
  test.each([
    { rows: 12, columns: 5 },
    { rows: 4, columns: 8 },
  ])(
    '[$rows][$columns] keeps its singular vectors; each value becomes that of the polynomial',
    ({ rows, columns }) => {
      const rank = Math.min(rows, columns);
      const [left, right] = [orthonormal(rows, rank, 1), orthonormal(columns, rank, 2)];
      const values = Array.from({ length: rank }, (_, i) => 30 * 0.4 ** i);
      const norm = Math.hypot(...values);
      const [a, b, c] = ORTHOGONAL_COEFFICIENTS;
      const expected = values.map((value) => {
        let s = value / norm;
        for (let step = 0; step < ORTHOGONAL_STEPS; step++) s = a * s + b * s ** 3 + c * s ** 5;
        return s;
      });
      expect(Math.min(...expected)).toBeGreaterThan(0.65);
      expect(Math.max(...expected)).toBeLessThan(1.25);
      const actual = orthogonal(compose(left, values, right), rows, columns);
      const wanted = compose(left, expected, right);
      for (const [i, value] of wanted.entries()) expect(actual[i]).toBeCloseTo(value, 9);
    },
  );

  test('of zeros stays one', () => {
    expect([...orthogonal(new Float64Array(6), 3, 2)]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

// Matrices and gradients come from a formula, as in test/golden/make_golden.py, which computes in float64.
const golden = z
  .strictObject({
    madeWith: z.string(),
    settings: z.strictObject({
      lr: z.number(),
      weight_decay: z.number(),
      momentum: z.number(),
    }),
    cases: z.array(
      z.strictObject({
        out: z.number(),
        in: z.number(),
        nesterov: z.boolean(),
        trained: z.array(z.number()),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync('test/golden/muon.json', 'utf8')));

test.each(golden.cases)(
  "three steps on [$out][$in] are PyTorch's, Nesterov: $nesterov",
  ({ out, in: inputs, nesterov, trained }) => {
    const length = out * inputs;
    const value = noise(`muon ${out} ${inputs}`);
    /** As the engine keeps it, transposed. */
    const matrix = (which: number) =>
      Float64Array.from({ length }, (_, i) => {
        const at = (i % out) * inputs + Math.floor(i / out);
        return value(which * length + at) / 2 ** 31 - 1;
      });
    const conv = { weight: 0, kernel: 1, inChannels: inputs, outChannels: out };
    const operation = { kind: 'muon', from: 0, matrices: [conv], nesterov } as unknown as Muon;
    const { lr, weight_decay: weightDecay, momentum } = golden.settings;
    const own = { learningRate: lr, weightDecay };
    const state = {
      program: { mode: 'train', named: { parameters: 0, gradients: 1, momentum: 2 } },
      buffers: [matrix(0), new Float64Array(length), new Float64Array(length)],
      batch: { sgd: { learningRate: 9, momentum, weightDecay: 9, muon: own } },
    } as unknown as ReferenceState;
    for (const step of [1, 2, 3]) {
      state.buffers[1]!.set(matrix(step));
      muon(state, operation);
    }
    for (const [i, expected] of trained.entries()) {
      const at = (i % inputs) * out + Math.floor(i / inputs);
      expect(state.buffers[0]![at]).toBeCloseTo(expected, 7);
    }
  },
);

test('SGD has all that lies between filter banks and behind them', () => {
  const bank = (weight: number) =>
    ({ weight, kernel: 1, inChannels: 4, outChannels: 8 }) as ConvolutionGeometry;
  const operation = { kind: 'muon', from: 16, matrices: [bank(16), bank(64)], nesterov: true };
  expect(otherRanges(operation as Parameters<typeof otherRanges>[0], 200)).toEqual([
    { from: 48, end: 64 },
    { from: 96, end: 200 },
  ]);
  const frozen = { ...operation, from: 150, matrices: [] };
  expect(otherRanges(frozen as Parameters<typeof otherRanges>[0], 200)).toEqual([
    { from: 150, end: 200 },
  ]);
});
