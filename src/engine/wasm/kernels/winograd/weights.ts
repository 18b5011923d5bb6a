// Winograd weight transform U = G g Gᵀ and its adjoint dg = Gᵀ dU G, element by element over all
// in*out pairs at once: plane k of the 9 (or n*n) lies k*planeBytes after the first.

import { f32, f32x4, i32 } from '../../assembler/instructions.ts';
import { assign, type FunctionBuilder, loop, set } from '../../assembler/module.ts';
import type { Code, V128 } from '../../assembler/value.ts';
import { type Context, loadWide, setWide, storeWide, WIDE, type Wide, wides } from '../context.ts';
import { kernelName, type SpecOf } from '../signatures.ts';
import { WEIGHT_MATRIX } from './one-dimensional.ts';

type Spec = SpecOf<'winogradWeights'>;

export function generateWinogradWeights(context: Context, spec: Spec): void {
  const g = WEIGHT_MATRIX[spec.tile];
  const matrix =
    spec.family === 'winogradWeights' ? g : g[0]!.map((_, column) => g.map((row) => row[column]!));
  const outer = matrix.length;
  const inner = matrix[0]!.length;

  const fn = context.module.function(kernelName(spec));
  const [source, target, planeBytes] = fn.addresses(3);
  const [offset, at] = fn.locals('i32', 2);
  const input = wides(fn, inner);
  const half = wides(fn, outer * inner);
  const [result] = wides(fn, 1);
  const plane = (base: typeof source, k: number) =>
    assign(at!, i32.add(i32.add(base, offset!), i32.mul(planeBytes, k)));
  const { constants, prepare } = constantPool(fn, matrix);

  const combine = (row: readonly number[], terms: (column: number) => Wide, into: Wide): Code =>
    setWide(into, (h) => {
      let sum: V128 | null = null;
      for (const [column, factor] of row.entries()) {
        if (factor === 0) continue;
        const x = terms(column)[h];
        const term = factor === 1 ? x : f32x4.mul(constants.get(factor)!, x);
        sum = sum === null ? term : f32x4.add(sum, term);
      }
      return sum!;
    });

  const downColumns = Array.from({ length: inner }, (_, column) => [
    input.map((x, row) => [plane(source, row * inner + column), loadWide(x, at!)]),
    matrix.map((row, r) => combine(row, (k) => input[k]!, half[r * inner + column]!)),
  ]);
  const alongRows = Array.from({ length: outer * outer }, (_, k) => {
    const r = Math.floor(k / outer);
    return [
      combine(matrix[k % outer]!, (column) => half[r * inner + column]!, result!),
      plane(target, k),
      storeWide(at!, 0, result!),
    ];
  });
  fn.body(prepare, loop(offset!, 0, planeBytes, WIDE, [downColumns, alongRows]));
}

/** One register for each distinct coefficient. */
function constantPool(fn: FunctionBuilder, matrix: readonly (readonly number[])[]) {
  const factors = [...new Set(matrix.flat())].filter((factor) => factor !== 0 && factor !== 1);
  const constants = new Map(factors.map((factor) => [factor, fn.local('v128')]));
  const prepare = factors.map((x) => set(constants.get(x)!, f32x4.splat(f32.const(x))));
  return { constants, prepare };
}
