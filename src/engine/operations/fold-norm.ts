// Batch normalisation with running statistics, folded into the weight of the convolution before it.

import type { OperationDescription } from './description.ts';
import type { BufferId, ConvolutionGeometry, NormId } from './operands.ts';

/** weight·scale and shift of the running statistics, into one buffer: weights, then biases. */
export interface FoldNorm {
  readonly kind: 'foldNorm';
  readonly conv: ConvolutionGeometry;
  readonly norm: NormId;
  readonly output: BufferId;
}

export const foldNorm: OperationDescription<FoldNorm> = {
  reads: () => [],
  writes: ({ output }) => [output],
  layer: ({ conv }) => conv.name,
};
