// The linear layer at the end of every network.

import { linearMultiplyAdds } from '../../nn/multiply-adds.ts';
import type { OperationDescription } from './description.ts';
import type { BufferId, ParameterOffset } from './operands.ts';

/** logits = pooled · weightᵀ + bias; weight is [out][in]. */
export interface Linear {
  readonly kind: 'linear';
  readonly input: BufferId;
  readonly weight: ParameterOffset;
  readonly bias: ParameterOffset;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly output: BufferId;
}

export const linear: OperationDescription<Linear> = {
  reads: ({ input }) => [input],
  writes: ({ output }) => [output],
  float32: ({ input, output }) => [input, output],
  multiplyAdds: linearMultiplyAdds,
};
