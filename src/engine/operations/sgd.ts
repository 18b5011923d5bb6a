// The update of the weights.

import type { OperationDescription } from './description.ts';
import type { ParameterOffset } from './operands.ts';

/**
 * PyTorch's SGD over all parameters from `from` on, at once: v = m·v + (g + λ·w); w = w − rate·v.
 * Those before it are frozen: parameters lie in the order of the layers.
 */
export interface Sgd {
  readonly kind: 'sgd';
  readonly from: ParameterOffset;
}

export const sgd: OperationDescription<Sgd> = {
  reads: () => [],
  writes: () => [],
};
