// The backward half of batch normalisation that is not made while it is read.

import type { OperationDescription } from './description.ts';
import type { NormId } from './operands.ts';

/** Gradients of gamma and beta, and k1, k2, k3, from the sums. */
export interface NormGradient {
  readonly kind: 'normGradient';
  readonly norm: NormId;
}

export const normGradient: OperationDescription<NormGradient> = {
  reads: () => [],
  writes: () => [],
  layer: ({ norm }, norms) => norms[norm]!.name,
};
