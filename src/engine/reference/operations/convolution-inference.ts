// Convolution with a folded weight and bias, then the shortcut and the ReLU.

import type { ConvolutionInference } from '../../operations/convolution-inference.ts';
import { addShortcut, materialize } from '../activation.ts';
import { bufferOf, type ReferenceState } from '../state.ts';
import { convolve } from '../taps.ts';

export function convolutionInference(state: ReferenceState, operation: ConvolutionInference): void {
  const { conv, folded, input, shortcut, relu, output } = operation;
  const values = bufferOf(state, folded);
  const weights = values.length - conv.outChannels;
  const y = convolve(conv, state.batch.count, materialize(state, input), values);
  for (let i = 0; i < y.length; i++) y[i]! += values[weights + (i % conv.outChannels)]!;
  if (shortcut) addShortcut(state, y, shortcut);
  if (relu) for (let i = 0; i < y.length; i++) y[i] = Math.max(0, y[i]!);
  bufferOf(state, output).set(y);
}
