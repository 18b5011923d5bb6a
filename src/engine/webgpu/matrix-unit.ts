// Which matrices a device multiplies at once: sizes, types and what they are called.

/** One size of matrices that a device multiplies: m × k by k × n, added to m × n. */
export interface MatrixSize {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Type of the factors. */
  readonly element: 'f16' | 'f32';
  /** Type of the sums. */
  readonly result: 'f16' | 'f32';
}

export interface MatrixUnit extends MatrixSize {
  /** Threads of a subgroup. */
  readonly subgroupSize: number;
  /** The device has subgroups of several sizes, and kernels ask for this one. */
  readonly asksForSize: boolean;
  readonly emulated: boolean;
}

/** Names a unit, for messages and caches: `16×16×16 f16→f32`. */
export function matrixName({ m, n, k, element, result }: MatrixSize): string {
  return `${m}×${n}×${k} ${element}→${result}`;
}

/** Bytes of a scalar. */
export function scalarBytes(type: 'f16' | 'f32'): number {
  return type === 'f16' ? 2 : 4;
}
