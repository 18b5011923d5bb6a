// What every generator shares: the module under construction, the choice of multiply-add, and "wide"
// values.
//
// A wide value is two adjacent v128, eight floats. V8's revectorizer (flag
// --experimental-wasm-revectorize) fuses the two into one 256-bit register when it finds the pair in
// two adjacent 16-byte stores and can follow it back through loads, splats, arithmetic, selects and
// loop phis. It gives up silently if a store stands between the paired loads, so every kernel here
// loads all it needs, computes, and then stores. Written as pairs, the code is the same at 128 bits.

import { f32x4, v128 } from '../assembler/instructions.ts';
import {
  type FixedArray,
  type FunctionBuilder,
  fixedArray,
  type ModuleBuilder,
  set,
} from '../assembler/module.ts';
import type { Code, I32, Local, V128 } from '../assembler/value.ts';

/**
 * One rounding (fused) or two (separate) in a*b + c. Where a processor has no fused instruction, both
 * round twice.
 */
export type MultiplyAdd = 'fused' | 'separate';

/** Multiply-add tile of a matrix kernel: rows × channels accumulators (channels a multiple of 8). */
export interface Tile {
  readonly rows: number;
  readonly channels: number;
}

export type MatrixKernel =
  | 'winogradProduct'
  | 'winogradWeightProduct'
  | 'convolution'
  | 'convolutionWeightGradient'
  | 'stridedInputGradient';

export interface KernelOptions {
  readonly multiplyAdd: MultiplyAdd;
  /** Width of the registers in effect: chooses the tiles. Results are the same bits for both. */
  readonly simdWidth: 128 | 256;
  /** Overrides the choice of tiles; for measuring. */
  readonly tiles?: (kernel: MatrixKernel, channels: number) => Tile | null;
}

export interface Context extends KernelOptions {
  readonly module: ModuleBuilder;
}

/** Eight floats in two locals. */
export type Wide = readonly [Local<'v128'>, Local<'v128'>];
type Half = 0 | 1;

/** Bytes of a wide value. */
export const WIDE = 32;

export function wide(fn: FunctionBuilder): Wide {
  return [fn.local('v128'), fn.local('v128')];
}

export function wides<N extends number>(fn: FunctionBuilder, count: N): FixedArray<Wide, N> {
  return fixedArray(count, () => wide(fn));
}

/**
 * `count` wide values of each name, for kernels that work on several at once: a record of one value of
 * each name, `count` times. Declared name by name.
 */
export function wideGroups<Name extends string>(
  fn: FunctionBuilder,
  count: number,
  names: readonly Name[],
): Readonly<Record<Name, Wide>>[] {
  const columns = names.map((name) => [name, wides(fn, count)] as const);
  return Array.from(
    { length: count },
    (_, i) =>
      Object.fromEntries(columns.map(([name, column]) => [name, column[i]])) as Record<Name, Wide>,
  );
}

export function loadWide(target: Wide, address: I32, offset = 0): Code {
  return target.map((half, h) => set(half, v128.load(address, offset + 16 * h)));
}

/**
 * The upper half first: then the revectorizer emits one 256-bit store. In the other order it keeps a
 * 128-bit store of the lower half as well, because that one must have happened if the upper one traps
 * at the end of memory.
 */
export function storeWide(address: I32, offset: number, source: Wide): Code {
  return [v128.store(address, offset + 16, source[1]), v128.store(address, offset, source[0])];
}

/** Computes both halves by the same formula. */
export function setWide(target: Wide, formula: (half: Half) => V128): Code {
  return [set(target[0], formula(0)), set(target[1], formula(1))];
}

/** a*b + c. */
export function multiplyAdd(options: KernelOptions, a: V128, b: V128, c: V128): V128 {
  return options.multiplyAdd === 'fused'
    ? f32x4.relaxedMadd(a, b, c)
    : f32x4.add(f32x4.mul(a, b), c);
}

/** c - a*b. */
export function negativeMultiplyAdd(options: KernelOptions, a: V128, b: V128, c: V128): V128 {
  return options.multiplyAdd === 'fused'
    ? f32x4.relaxedNmadd(a, b, c)
    : f32x4.sub(c, f32x4.mul(a, b));
}

/** relu(x) = x < 0 ? 0 : x, which lets a NaN through, as PyTorch does, so that it reaches the loss. */
export function relu(x: V128, zero: V128): V128 {
  return f32x4.pmax(x, zero);
}

/** The elements of two lists of one length, in pairs. */
export function zip<A, B>(left: readonly A[], right: readonly B[]): (readonly [A, B])[] {
  return left.map((a, i) => [a, right[i] as B]);
}
