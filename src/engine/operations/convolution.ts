// A convolution while training.

import { convolutionMultiplyAdds } from '../../nn/multiply-adds.ts';
import type { OperationDescription } from './description.ts';
import {
  type Activation,
  activationReads,
  activationWrites,
  type BufferId,
  type ConvolutionGeometry,
  type NormId,
} from './operands.ts';

/** output = convolution(input); with `norm`, also Σy and Σy² a channel over the batch. */
export interface Convolution {
  readonly kind: 'convolution';
  readonly conv: ConvolutionGeometry;
  readonly input: Activation;
  readonly output: BufferId;
  readonly norm?: NormId;
}

export const convolution: OperationDescription<Convolution> = {
  reads: ({ input }) => activationReads(input),
  writes: ({ input, output }) => [output, ...activationWrites(input)],
  layer: ({ conv }) => conv.name,
  multiplyAdds: ({ conv }) => convolutionMultiplyAdds(conv),
};
