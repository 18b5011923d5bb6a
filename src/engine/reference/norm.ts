// Batch normalisation (Ioffe & Szegedy, 2015) with PyTorch's conventions: biased variance to normalise,
// unbiased variance in the running statistic.

import { NORM_EPSILON, NORM_MOMENTUM } from '../constants.ts';
import type { NormId } from '../program.ts';
import { bufferOf, normOf, type ReferenceState, trainingBuffer } from './state.ts';

/** Mean and variance of the batch from its sums; scale, shift and running statistics. */
export function normStatistics(state: ReferenceState, id: NormId): void {
  const norm = normOf(state, id);
  const { spec } = norm;
  const values = state.batch.count * spec.size * spec.size;
  const parameters = bufferOf(state, state.program.named.parameters);
  const running = bufferOf(state, state.program.named.running);
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

/**
 * With ŷ = (y − μ)/σ, dβ = Σdz and dγ = Σdz·ŷ:
 * dy = γ/σ · (dz − dβ/m − ŷ·dγ/m), which is k1·dz + k2·y + k3.
 */
export function normGradient(state: ReferenceState, id: NormId): void {
  const norm = normOf(state, id);
  const { spec, mean, inverseDeviation } = norm;
  const values = state.batch.count * spec.size * spec.size;
  const parameters = bufferOf(state, state.program.named.parameters);
  const gradients = trainingBuffer(state, 'gradients');
  for (let c = 0; c < spec.channels; c++) {
    const dBeta = norm.gradientSum[c]!;
    const dGamma = inverseDeviation[c]! * (norm.gradientProductSum[c]! - mean[c]! * dBeta);
    gradients[spec.beta + c] = dBeta;
    gradients[spec.gamma + c] = dGamma;
    const factor = parameters[spec.gamma + c]! * inverseDeviation[c]!;
    norm.k1[c] = factor;
    norm.k2[c] = (-factor * inverseDeviation[c]! * dGamma) / values;
    norm.k3[c] = (factor * (mean[c]! * inverseDeviation[c]! * dGamma - dBeta)) / values;
  }
}
