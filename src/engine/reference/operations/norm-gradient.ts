// The gradients of batch normalisation (Ioffe & Szegedy, 2015), from the sums over the batch.

import type { NormGradient } from '../../operations/norm-gradient.ts';
import { namedOf, normOf, type ReferenceState } from '../state.ts';

/**
 * With ŷ = (y − μ)/σ, dβ = Σdz and dγ = Σdz·ŷ:
 * dy = γ/σ · (dz − dβ/m − ŷ·dγ/m), which is k1·dz + k2·y + k3.
 */
export function normGradient(state: ReferenceState, operation: NormGradient): void {
  const norm = normOf(state, operation.norm);
  const { spec, mean, inverseDeviation } = norm;
  const values = state.batch.count * spec.size * spec.size;
  const parameters = namedOf(state, 'parameters');
  const gradients = namedOf(state, 'gradients');
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
