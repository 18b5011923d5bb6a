// All gradients of the linear layer.

import { linearMultiplyAdds } from '../../nn/multiply-adds.ts';
import type { OperationDescription } from './description.ts';
import type { BufferId, LinearGeometry } from './operands.ts';

/** Gradients of weight and bias, and dPooled = dLogits · weight. */
export interface LinearBackward extends LinearGeometry {
  readonly kind: 'linearBackward';
  readonly gradient: BufferId;
  readonly input: BufferId;
  readonly inputGradient: BufferId;
}

export const linearBackward: OperationDescription<LinearBackward> = {
  reads: ({ gradient, input }) => [gradient, input],
  writes: ({ inputGradient }) => [inputGradient],
  float32: ({ gradient, inputGradient }) => [gradient, inputGradient],
  multiplyAdds: (operation) => 2 * linearMultiplyAdds(operation),
};
