// The gradient of global average pooling, gated by the ReLU before it.

import type { GlobalAveragePoolBackward } from '../../operations/global-average-pool-backward.ts';
import { gateValue } from '../activation.ts';
import { accumulateGradientSums } from '../gradient-sums.ts';
import { bufferOf, type ReferenceState } from '../state.ts';

export function globalAveragePoolBackward(
  state: ReferenceState,
  operation: GlobalAveragePoolBackward,
): void {
  const { size, channels, gate, output, sums } = operation;
  const gradient = bufferOf(state, operation.gradient);
  const open = gateValue(state, gate);
  const pixels = size * size;
  const dz = bufferOf(state, output).subarray(0, state.batch.count * pixels * channels);
  for (let i = 0; i < dz.length; i++) {
    const n = Math.floor(i / (pixels * channels));
    dz[i] = open(i) ? gradient[n * channels + (i % channels)]! / pixels : 0;
  }
  accumulateGradientSums(state, dz, sums);
}
