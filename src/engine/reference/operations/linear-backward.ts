// Gradients of the linear layer's weight, bias and input.

import type { LinearBackward } from '../../operations/linear-backward.ts';
import { bufferOf, namedOf, type ReferenceState } from '../state.ts';

export function linearBackward(state: ReferenceState, operation: LinearBackward): void {
  const { inFeatures, outFeatures, weight, bias } = operation;
  const parameters = namedOf(state, 'parameters');
  const gradients = namedOf(state, 'gradients');
  const input = bufferOf(state, operation.input);
  const dOutput = bufferOf(state, operation.gradient);
  const dInput = bufferOf(state, operation.inputGradient);
  gradients.fill(0, weight, weight + inFeatures * outFeatures);
  gradients.fill(0, bias, bias + outFeatures);
  dInput.fill(0);
  for (let n = 0; n < state.batch.count; n++) {
    for (let o = 0; o < outFeatures; o++) {
      const d = dOutput[n * outFeatures + o]!;
      gradients[bias + o]! += d;
      for (let i = 0; i < inFeatures; i++) {
        gradients[weight + o * inFeatures + i]! += d * input[n * inFeatures + i]!;
        dInput[n * inFeatures + i]! += d * parameters[weight + o * inFeatures + i]!;
      }
    }
  }
}
