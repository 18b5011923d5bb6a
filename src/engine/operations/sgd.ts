// The update of the weights.

import type { OperationDescription } from './description.ts';
import type { ParameterOffset } from './operands.ts';

/**
 * PyTorch's SGD over all parameters from `from` on, at once: with d = g + λ·w,
 *
 *     v = m·v + d,   w = w − rate·v;   Nesterov's: w = w − rate·(d + m·v).
 *
 * Those before `from` are frozen: parameters lie in the order of the layers.
 */
export interface Sgd {
  readonly kind: 'sgd';
  readonly from: ParameterOffset;
  /** Looks a step of the momentum ahead. */
  readonly nesterov: boolean;
}

export const sgd: OperationDescription<Sgd> = {
  reads: () => [],
  writes: () => [],
};
