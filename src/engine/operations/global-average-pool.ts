// Global average pooling, between the last block and the linear layer.

import type { OperationDescription } from './description.ts';
import {
  type Activation,
  activationReads,
  activationWrites,
  type BufferId,
  type MapShape,
} from './operands.ts';

/** output[image][channel] = mean of input over its map. */
export interface GlobalAveragePool extends MapShape {
  readonly kind: 'globalAveragePool';
  readonly input: Activation;
  readonly output: BufferId;
}

export const globalAveragePool: OperationDescription<GlobalAveragePool> = {
  reads: ({ input }) => activationReads(input),
  writes: ({ input, output }) => [output, ...activationWrites(input)],
};
