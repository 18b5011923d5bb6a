// Both gradients of a convolution.

import { convolutionMultiplyAdds } from '../../nn/multiply-adds.ts';
import type { OperationDescription } from './description.ts';
import {
  type Activation,
  activationReads,
  activationWrites,
  type ConvolutionGeometry,
  gateReads,
  type InputGradient,
  type OutputGradient,
  sumReads,
} from './operands.ts';

/** Gradient of the weight, and of the input where `inputGradient` is given. */
export interface ConvolutionBackward {
  readonly kind: 'convolutionBackward';
  readonly conv: ConvolutionGeometry;
  readonly outputGradient: OutputGradient;
  readonly input: Activation;
  readonly inputGradient?: InputGradient;
}

export const convolutionBackward: OperationDescription<ConvolutionBackward> = {
  reads: ({ outputGradient, input, inputGradient }) => [
    outputGradient.dz,
    outputGradient.y,
    ...activationReads(input),
    ...(inputGradient ? inputGradientReads(inputGradient) : []),
  ],
  writes: ({ input, inputGradient }) => [
    ...activationWrites(input),
    ...(inputGradient ? [inputGradient.output] : []),
  ],
  layer: ({ conv }) => conv.name,
  multiplyAdds: ({ conv, inputGradient }) =>
    (inputGradient ? 2 : 1) * convolutionMultiplyAdds(conv),
};

function inputGradientReads({ shortcut, gate, sums }: InputGradient) {
  return [...(shortcut ? [shortcut.dz] : []), ...gateReads(gate), ...sumReads(sums)];
}
