// The forward half of batch normalisation that is not made while it is read.

import type { OperationDescription } from './description.ts';
import type { NormId } from './operands.ts';

/** Batch mean and variance from the sums; scale, shift; running statistics. */
export interface NormStatistics {
  readonly kind: 'normStatistics';
  readonly norm: NormId;
}

export const normStatistics: OperationDescription<NormStatistics> = {
  reads: () => [],
  writes: () => [],
  layer: ({ norm }, norms) => norms[norm]!.name,
};
