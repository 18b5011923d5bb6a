// Named float tensors: the common currency between the engine, the run folder and every file
// format. Shapes and memory order are PyTorch's (convolutions are [out, in, height, width], row
// major), so that a name and a shape mean the same here as in a `state_dict`.

export interface Tensor {
  /** Extent of each dimension; [] for a scalar. */
  readonly shape: readonly number[];
  /** Row-major values; its length is the product of `shape`. */
  readonly data: Float32Array;
}

/** Tensors by PyTorch name, in file or layer order. */
export type NamedTensors = Map<string, Tensor>;

/** Number of values that a shape holds (1 for a scalar). */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
