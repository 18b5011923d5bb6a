// Sums over the batch from which batch normalisation gets its gradients.

import type { GradientSums } from '../operations/operands.ts';
import { bufferOf, normOf, type ReferenceState } from './state.ts';

/** Σdz and Σdz·y a channel, for each norm that made the gated activation. */
export function accumulateGradientSums(
  state: ReferenceState,
  dz: Float64Array,
  sums: readonly GradientSums[],
): void {
  for (const { norm, y } of sums) {
    const { spec, gradientSum, gradientProductSum } = normOf(state, norm);
    const output = bufferOf(state, y);
    gradientSum.fill(0);
    gradientProductSum.fill(0);
    for (let i = 0; i < dz.length; i++) {
      gradientSum[i % spec.channels]! += dz[i]!;
      gradientProductSum[i % spec.channels]! += dz[i]! * output[i]!;
    }
  }
}
