// Global average pooling.

import type { GlobalAveragePool } from '../../operations/global-average-pool.ts';
import { materialize } from '../activation.ts';
import { bufferOf, type ReferenceState } from '../state.ts';

export function globalAveragePool(state: ReferenceState, operation: GlobalAveragePool): void {
  const { size, channels } = operation;
  const input = materialize(state, operation.input);
  const output = bufferOf(state, operation.output);
  const pixels = size * size;
  output.fill(0);
  for (let i = 0; i < state.batch.count * pixels * channels; i++) {
    const n = Math.floor(i / (pixels * channels));
    output[n * channels + (i % channels)]! += input[i]! / pixels;
  }
}
