// Winograd weight transform U = G g Gᵀ and its adjoint dg = Gᵀ dU G, element by element over all
// in*out pairs at once: plane k of the 9 (or n*n) lies k*planeBytes after the first.

import { f32, f32x4, i32 } from '../../assembler/instructions.ts';
import { assign, type FunctionBuilder, loop, set } from '../../assembler/module.ts';
import type { Code, Local, V128 } from '../../assembler/value.ts';
import { loadWide, setWide, storeWide, WIDE, type Wide, wide, wides, zip } from '../context.ts';
import { defineKernel } from '../kernel.ts';
import type { WinogradTile } from './layout.ts';
import { WEIGHT_MATRIX } from './one-dimensional.ts';

interface WeightsShape {
  readonly tile: WinogradTile;
}

/** U = G g Gᵀ: [9][in*out] to [n*n][in*out]; planeBytes = in*out*4. */
export const winogradWeights = defineKernel({
  name: 'winogradWeights',
  parameters: ['weights', 'transformed', 'planeBytes'],
  generate: (_, declare, { tile }: WeightsShape) => {
    const { fn, weights, transformed, planeBytes } = declare();
    emitTransform(fn, weights, transformed, planeBytes, WEIGHT_MATRIX[tile]);
  },
});

/** dg = Gᵀ dU G: [n*n][in*out] to [9][in*out]. */
export const winogradWeightsAdjoint = defineKernel({
  name: 'winogradWeightsAdjoint',
  parameters: ['transformedGradient', 'weightGradient', 'planeBytes'],
  generate: (_, declare, { tile }: WeightsShape) => {
    const { fn, transformedGradient, weightGradient, planeBytes } = declare();
    emitTransform(
      fn,
      transformedGradient,
      weightGradient,
      planeBytes,
      transpose(WEIGHT_MATRIX[tile]),
    );
  },
});

type Matrix = readonly (readonly number[])[];

/** target = M source Mᵀ for every in*out pair, M being outer × inner. */
function emitTransform(
  fn: FunctionBuilder,
  source: Local<'i32'>,
  target: Local<'i32'>,
  planeBytes: Local<'i32'>,
  matrix: Matrix,
): void {
  const outer = matrix.length;
  const inner = transpose(matrix).length;
  const [offset, at] = fn.locals('i32', 2);
  const input = wides(fn, inner);
  /** M source. */
  const half = matrix.map(() => wides(fn, inner));
  const result = wide(fn);
  const plane = (base: Local<'i32'>, k: number) =>
    assign(at, i32.add(i32.add(base, offset), i32.mul(planeBytes, k)));
  const { scaled, prepare } = scaling(fn, matrix);

  const combine = (row: readonly number[], terms: readonly Wide[], into: Wide): Code =>
    setWide(into, (h) =>
      zip(row, terms)
        .filter(([factor]) => factor !== 0)
        .map(([factor, term]) => scaled(factor, term[h]))
        .reduce((sum, term) => f32x4.add(sum, term)),
    );

  const downColumns = transpose(half).map((halfColumn, column) => [
    input.map((x, row) => [plane(source, row * inner + column), loadWide(x, at)]),
    zip(matrix, halfColumn).map(([row, into]) => combine(row, input, into)),
  ]);
  const alongRows = half.map((halfRow, r) =>
    matrix.map((row, column) => [
      combine(row, halfRow, result),
      plane(target, r * outer + column),
      storeWide(at, 0, result),
    ]),
  );
  fn.body(prepare, loop(offset, 0, planeBytes, WIDE, [downColumns, alongRows]));
}

/** Multiplication by the matrix's coefficients, each distinct one in a register. */
function scaling(fn: FunctionBuilder, matrix: Matrix) {
  const factors = [...new Set(matrix.flat())].filter((factor) => factor !== 0 && factor !== 1);
  const constants = new Map(factors.map((factor) => [factor, fn.local('v128')]));
  const prepare = [...constants].map(([x, local]) => set(local, f32x4.splat(f32.const(x))));
  const scaled = (factor: number, x: V128): V128 => {
    const constant = constants.get(factor);
    return constant ? f32x4.mul(constant, x) : x;
  };
  return { scaled, prepare };
}

function transpose<T>(rows: readonly (readonly T[])[]): T[][] {
  const [first = []] = rows;
  return first.map((_, column) => rows.map((row) => row[column] as T));
}
