// The linear layer.

import type { Linear } from '../../operations/linear.ts';
import { bufferOf, namedOf, type ReferenceState } from '../state.ts';

export function linear(state: ReferenceState, operation: Linear): void {
  const { inFeatures, outFeatures, weight, bias } = operation;
  const parameters = namedOf(state, 'parameters');
  const input = bufferOf(state, operation.input);
  const output = bufferOf(state, operation.output);
  for (let n = 0; n < state.batch.count; n++) {
    for (let o = 0; o < outFeatures; o++) {
      let sum = parameters[bias + o]!;
      for (let i = 0; i < inFeatures; i++) {
        sum += parameters[weight + o * inFeatures + i]! * input[n * inFeatures + i]!;
      }
      output[n * outFeatures + o] = sum;
    }
  }
}
