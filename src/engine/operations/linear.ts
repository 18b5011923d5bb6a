// The linear layer at the end of every network.

import { linearMultiplyAdds } from '../../nn/multiply-adds.ts';
import type { OperationDescription } from './description.ts';
import type { BufferId, LinearGeometry } from './operands.ts';

/** logits = pooled · weightᵀ + bias. */
export interface Linear extends LinearGeometry {
  readonly kind: 'linear';
  readonly input: BufferId;
  readonly output: BufferId;
}

export const linear: OperationDescription<Linear> = {
  reads: ({ input }) => [input],
  writes: ({ output }) => [output],
  float32: ({ input, output }) => [input, output],
  multiplyAdds: linearMultiplyAdds,
};
