// Batch normalisation (Ioffe & Szegedy, 2015) with PyTorch's conventions: biased variance to normalise,
// unbiased variance in the running statistic.

import { NORM_EPSILON, NORM_MOMENTUM } from '../../constants.ts';
import type { NormStatistics } from '../../operations/norm-statistics.ts';
import { namedOf, normOf, type ReferenceState } from '../state.ts';

/** Mean and variance of the batch from its sums; scale, shift and running statistics. */
export function normStatistics(state: ReferenceState, operation: NormStatistics): void {
  const norm = normOf(state, operation.norm);
  const { spec } = norm;
  const values = state.batch.count * spec.size * spec.size;
  const parameters = namedOf(state, 'parameters');
  const running = namedOf(state, 'running');
  for (let c = 0; c < spec.channels; c++) {
    const mean = norm.sum[c]! / values;
    const variance = norm.sumOfSquares[c]! / values - mean * mean;
    const inverseDeviation = 1 / Math.sqrt(variance + NORM_EPSILON);
    norm.mean[c] = mean;
    norm.inverseDeviation[c] = inverseDeviation;
    norm.scale[c] = parameters[spec.gamma + c]! * inverseDeviation;
    norm.shift[c] = parameters[spec.beta + c]! - mean * norm.scale[c]!;
    const unbiased = (variance * values) / (values - 1);
    running[spec.runningMean + c]! += NORM_MOMENTUM * (mean - running[spec.runningMean + c]!);
    running[spec.runningVariance + c]! +=
      NORM_MOMENTUM * (unbiased - running[spec.runningVariance + c]!);
  }
}
