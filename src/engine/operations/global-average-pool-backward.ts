// The gradient of global average pooling, gated by the ReLU before it.

import type { OperationDescription } from './description.ts';
import {
  type BufferId,
  type GradientSums,
  gateReads,
  type MapShape,
  type ReluGate,
  sumReads,
} from './operands.ts';

/** dz = dPooled / size², where x > 0; sums for the norms that made x. */
export interface GlobalAveragePoolBackward extends MapShape {
  readonly kind: 'globalAveragePoolBackward';
  readonly gradient: BufferId;
  readonly gate: ReluGate;
  readonly output: BufferId;
  readonly sums: readonly GradientSums[];
}

export const globalAveragePoolBackward: OperationDescription<GlobalAveragePoolBackward> = {
  reads: ({ gradient, gate, sums }) => [gradient, ...gateReads(gate), ...sumReads(sums)],
  writes: ({ output }) => [output],
};
