// Convolution, and the sums that batch normalisation takes of it.

import type { Convolution } from '../../operations/convolution.ts';
import { materialize } from '../activation.ts';
import { bufferOf, normOf, type ReferenceState } from '../state.ts';
import { convolve, weightOf } from '../taps.ts';

export function convolution(state: ReferenceState, operation: Convolution): void {
  const { conv, input, output, norm } = operation;
  const y = convolve(conv, state.batch.count, materialize(state, input), weightOf(state, conv));
  bufferOf(state, output).set(y);
  if (norm === undefined) return;
  const { sum, sumOfSquares } = normOf(state, norm);
  sum.fill(0);
  sumOfSquares.fill(0);
  for (let i = 0; i < y.length; i++) {
    sum[i % conv.outChannels]! += y[i]!;
    sumOfSquares[i % conv.outChannels]! += y[i]! * y[i]!;
  }
}
