// The loss, and what is counted beside it.

import type { OperationDescription } from './description.ts';
import type { BufferId } from './operands.ts';

/**
 * Cross-entropy of softmax(logits) with the labels, top-1 and top-5 counts (ties go to the lower
 * class), and, where `gradient` is given, its gradient with label smoothing, divided by `count`.
 */
export interface SoftmaxCrossEntropy {
  readonly kind: 'softmaxCrossEntropy';
  readonly logits: BufferId;
  readonly classes: number;
  readonly gradient?: BufferId;
}

export const softmaxCrossEntropy: OperationDescription<SoftmaxCrossEntropy> = {
  reads: ({ logits }) => [logits],
  writes: ({ gradient }) => (gradient === undefined ? [] : [gradient]),
};
