// Weights at half their size: kernels of convolutions and the matrix of the last layer as float16, whose
// rounding (one part in 2048) is far below what training leaves undecided. Batch norms and biases stay
// float32: they are few, and a running variance can be smaller than float16 has digits for.

import { type RawTensor, rawTensor } from '../../formats/dtypes.ts';
import { UserError } from '../../util/errors.ts';
import type { NamedTensors } from '../../util/tensor.ts';

/** @throws UserError for a weight that is larger than float16 can hold */
export function toHalfTensors(tensors: NamedTensors): Map<string, RawTensor> {
  return new Map(
    [...tensors].map(([name, { shape, data }]) => {
      if (shape.length < 2) return [name, rawTensor('F32', shape, data)];
      const half = Float16Array.from(data);
      if (half.some((value, i) => !Number.isFinite(value) && Number.isFinite(data[i]))) {
        throw new UserError(
          `${name} has weights beyond 65504, which half precision cannot hold: write them in full.`,
        );
      }
      const bytes = new Uint8Array(2 * half.length);
      const view = new DataView(bytes.buffer);
      for (const [i, value] of half.entries()) view.setFloat16(2 * i, value, true);
      return [name, { dtype: 'F16', shape, bytes }];
    }),
  );
}
