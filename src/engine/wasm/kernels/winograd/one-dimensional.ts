// Winograd's minimal filtering F(m, 3) in one dimension (Lavin & Gray 2015): m outputs of a 3-tap
// correlation from n = m+2 inputs with n multiplications instead of 3m,
//
//     y = Aᵀ [ (G g) ⊙ (Bᵀ d) ].
//
// In two dimensions each matrix is applied to columns, then to rows: V = Bᵀ d B, U = G g Gᵀ,
// Y = Aᵀ (U ⊙ V) A; the weight gradient is the adjoint, dg = Gᵀ [ (Bᵀ d B) ⊙ (A dY Aᵀ) ] G.
// F(4,3) interpolates at 0, ±1, ±2, ∞ and F(2,3) at 0, ±1, ∞. Bᵀ, Aᵀ and A are written out with
// shared subexpressions (even and odd parts of ± pairs); G is applied as a matrix, being rare.

import { f32, f32x4, v128 } from '../../assembler/instructions.ts';
import { type FunctionBuilder, set } from '../../assembler/module.ts';
import type { Code, Local } from '../../assembler/value.ts';
import {
  type KernelOptions,
  multiplyAdd,
  negativeMultiplyAdd,
  setWide,
  type Wide,
  wides,
} from '../context.ts';
import type { WinogradTile } from './layout.ts';

/** G, n×3: the weight transform. */
export const WEIGHT_MATRIX: Readonly<Record<WinogradTile, readonly (readonly number[])[]>> = {
  2: [
    [1, 0, 0],
    [1 / 2, 1 / 2, 1 / 2],
    [1 / 2, -1 / 2, 1 / 2],
    [0, 0, 1],
  ],
  4: [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
  ],
};

/** A 1-D transform from `inputs` to `outputs` wide values, in a function of its own locals. */
interface Transform {
  readonly inputs: readonly Wide[];
  readonly outputs: readonly Wide[];
  /** Sets constants; emit once, before any loop. */
  readonly prepare: Code;
  readonly apply: Code;
}

type Matrix = 'Bᵀ' | 'Aᵀ' | 'A';

/** Declares the locals of one of the three data transforms and returns its code. */
export function transform(
  fn: FunctionBuilder,
  options: KernelOptions,
  tile: WinogradTile,
  matrix: Matrix,
): Transform {
  return tile === 2 ? small(fn, matrix) : large(fn, options, matrix);
}

/** F(2,3). */
function small(fn: FunctionBuilder, matrix: Matrix): Transform {
  const { add, sub } = f32x4;
  const locals = <I extends number, O extends number>(inputs: I, outputs: O) => ({
    x: wides(fn, inputs),
    y: wides(fn, outputs),
    zero: fn.local('v128'),
  });
  switch (matrix) {
    case 'Bᵀ': {
      const { x, y } = locals(4, 4);
      const apply = [
        setWide(y[0], (h) => sub(x[0][h], x[2][h])),
        setWide(y[1], (h) => add(x[1][h], x[2][h])),
        setWide(y[2], (h) => sub(x[2][h], x[1][h])),
        setWide(y[3], (h) => sub(x[1][h], x[3][h])),
      ];
      return { inputs: x, outputs: y, prepare: null, apply };
    }
    case 'Aᵀ': {
      const { x, y } = locals(4, 2);
      const apply = [
        setWide(y[0], (h) => add(add(x[0][h], x[1][h]), x[2][h])),
        setWide(y[1], (h) => sub(sub(x[1][h], x[2][h]), x[3][h])),
      ];
      return { inputs: x, outputs: y, prepare: null, apply };
    }
    case 'A': {
      const { x, y, zero } = locals(2, 4);
      const apply = [
        setWide(y[0], (h) => x[0][h]),
        setWide(y[1], (h) => add(x[0][h], x[1][h])),
        setWide(y[2], (h) => sub(x[0][h], x[1][h])),
        setWide(y[3], (h) => sub(zero, x[1][h])),
      ];
      return { inputs: x, outputs: y, prepare: set(zero, v128.const(0)), apply };
    }
    default:
      return matrix satisfies never;
  }
}

/** F(4,3). */
function large(fn: FunctionBuilder, options: KernelOptions, matrix: Matrix): Transform {
  const { add, sub } = f32x4;
  const madd = multiplyAdd.bind(null, options);
  const nmadd = negativeMultiplyAdd.bind(null, options);
  const locals = <I extends number, O extends number>(inputs: I, outputs: O) => ({
    x: wides(fn, inputs),
    y: wides(fn, outputs),
    t: wides(fn, 4),
    two: fn.local('v128'),
    four: fn.local('v128'),
    eight: fn.local('v128'),
  });
  const splat = (local: Local<'v128'>, x: number) => set(local, f32x4.splat(f32.const(x)));
  switch (matrix) {
    case 'Bᵀ': {
      const { x, y, t, two, four } = locals(6, 6);
      // rows [4 0 -5 0 1 0] [0 -4 -4 1 1 0] [0 4 -4 -1 1 0] [0 -2 -1 2 1 0] [0 2 -1 -2 1 0] [0 4 0 -5 0 1]
      const apply = [
        setWide(t[0], (h) => sub(x[4][h], x[2][h])),
        setWide(t[1], (h) => sub(x[3][h], x[1][h])),
        setWide(y[0], (h) => madd(four, sub(x[0][h], x[2][h]), t[0][h])),
        setWide(y[3], (h) => madd(two, t[1][h], t[0][h])),
        setWide(y[4], (h) => nmadd(two, t[1][h], t[0][h])),
        setWide(y[5], (h) => nmadd(four, t[1][h], sub(x[5][h], x[3][h]))),
        setWide(t[2], (h) => nmadd(four, x[2][h], x[4][h])),
        setWide(t[3], (h) => nmadd(four, x[1][h], x[3][h])),
        setWide(y[1], (h) => add(t[2][h], t[3][h])),
        setWide(y[2], (h) => sub(t[2][h], t[3][h])),
      ];
      return { inputs: x, outputs: y, prepare: [splat(two, 2), splat(four, 4)], apply };
    }
    case 'Aᵀ': {
      const { x, y, t, two, four, eight } = locals(6, 4);
      // rows [1 1 1 1 1 0] [0 1 -1 2 -2 0] [0 1 1 4 4 0] [0 1 -1 8 -8 1]
      const apply = [
        setWide(t[0], (h) => add(x[1][h], x[2][h])),
        setWide(t[1], (h) => sub(x[1][h], x[2][h])),
        setWide(t[2], (h) => add(x[3][h], x[4][h])),
        setWide(t[3], (h) => sub(x[3][h], x[4][h])),
        setWide(y[0], (h) => add(add(x[0][h], t[0][h]), t[2][h])),
        setWide(y[1], (h) => madd(two, t[3][h], t[1][h])),
        setWide(y[2], (h) => madd(four, t[2][h], t[0][h])),
        setWide(y[3], (h) => madd(eight, t[3][h], add(t[1][h], x[5][h]))),
      ];
      const prepare = [splat(two, 2), splat(four, 4), splat(eight, 8)];
      return { inputs: x, outputs: y, prepare, apply };
    }
    case 'A': {
      const { x, y, t, two, four } = locals(4, 6);
      // rows [1 0 0 0] [1 1 1 1] [1 -1 1 -1] [1 2 4 8] [1 -2 4 -8] [0 0 0 1]
      const apply = [
        setWide(t[0], (h) => add(x[0][h], x[2][h])),
        setWide(t[1], (h) => add(x[1][h], x[3][h])),
        setWide(t[2], (h) => madd(four, x[2][h], x[0][h])),
        setWide(t[3], (h) => madd(four, x[3][h], x[1][h])),
        setWide(y[0], (h) => x[0][h]),
        setWide(y[1], (h) => add(t[0][h], t[1][h])),
        setWide(y[2], (h) => sub(t[0][h], t[1][h])),
        setWide(y[3], (h) => madd(two, t[3][h], t[2][h])),
        setWide(y[4], (h) => nmadd(two, t[3][h], t[2][h])),
        setWide(y[5], (h) => x[3][h]),
      ];
      return { inputs: x, outputs: y, prepare: [splat(two, 2), splat(four, 4)], apply };
    }
    default:
      return matrix satisfies never;
  }
}
