// The loss, its gradient, and the label's rank.

import { TOP_K } from '../../constants.ts';
import type { SoftmaxCrossEntropy } from '../../operations/softmax-cross-entropy.ts';
import { bufferOf, type ReferenceState } from '../state.ts';

/** loss = −Σ target·log softmax(logits); its gradient is (softmax − target) / count. */
export function softmaxCrossEntropy(state: ReferenceState, operation: SoftmaxCrossEntropy): void {
  const { classes, gradient } = operation;
  const { count, labels } = state.batch;
  const smoothing = state.program.labelSmoothing;
  const logits = bufferOf(state, operation.logits);
  state.lossSum = 0;
  state.correctTop1 = 0;
  state.correctTop5 = 0;
  for (let n = 0; n < count; n++) {
    const row = logits.subarray(n * classes, (n + 1) * classes);
    const label = labels[n]!;
    const largest = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const total = row.reduce((sum, value) => sum + Math.exp(value - largest), 0);
    const logTotal = largest + Math.log(total);
    const target = (o: number) => smoothing / classes + (o === label ? 1 - smoothing : 0);
    for (let o = 0; o < classes; o++) {
      state.lossSum -= target(o) * (row[o]! - logTotal);
      if (gradient !== undefined) {
        bufferOf(state, gradient)[n * classes + o] =
          (Math.exp(row[o]! - logTotal) - target(o)) / count;
      }
    }
    // Rank of the label: classes that score higher, or equal with a lower index.
    let rank = 0;
    for (let o = 0; o < classes; o++) {
      if (row[o]! > row[label]! || (row[o] === row[label] && o < label)) rank++;
    }
    if (rank < 1) state.correctTop1++;
    if (rank < TOP_K) state.correctTop5++;
  }
}
