// Both gradients of a convolution, each with kernels of its own.

import type { ConvolutionBackward } from '../../operations/convolution-backward.ts';
import type { CompileContext } from '../context.ts';
import { convolutionInputGradient } from '../convolution-input-gradient.ts';
import { convolutionWeightGradient } from '../convolution-weight-gradient.ts';

export function convolutionBackward(context: CompileContext, operation: ConvolutionBackward): void {
  convolutionWeightGradient(context, operation);
  if (operation.inputGradient) {
    convolutionInputGradient(context, operation, operation.inputGradient);
  }
}
