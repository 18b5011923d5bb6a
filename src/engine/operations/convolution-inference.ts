// A convolution of an evaluation, with all that follows it in one operation.

import { convolutionMultiplyAdds } from '../../nn/multiply-adds.ts';
import type { OperationDescription } from './description.ts';
import {
  type Activation,
  activationReads,
  activationWrites,
  type BufferId,
  type ConvolutionGeometry,
  type Shortcut,
  shortcutReads,
} from './operands.ts';

/** output = [relu](convolution(input) with a folded weight and bias [+ shortcut]). */
export interface ConvolutionInference {
  readonly kind: 'convolutionInference';
  readonly conv: ConvolutionGeometry;
  readonly folded: BufferId;
  readonly input: Activation;
  readonly shortcut?: Exclude<Shortcut, { kind: 'projection' }>;
  readonly relu: boolean;
  readonly output: BufferId;
}

export const convolutionInference: OperationDescription<ConvolutionInference> = {
  reads: ({ folded, input, shortcut }) => [
    folded,
    ...activationReads(input),
    ...shortcutReads(shortcut),
  ],
  writes: ({ input, output }) => [output, ...activationWrites(input)],
  layer: ({ conv }) => conv.name,
  multiplyAdds: ({ conv }) => convolutionMultiplyAdds(conv),
};
