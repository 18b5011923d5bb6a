// Batch normalisation's backward half: from sums over the batch to the gradients of gamma and beta, and
// the coefficients of dy = k1·dz + k2·y + k3, in float64; like norm-statistics.ts, run by one thread.

import type { NormGradient } from '../../operations/norm-gradient.ts';
import { normIndices, normSpec } from '../executor/context.ts';
import type { WasmOperation } from './operation.ts';

export const normGradient: WasmOperation<NormGradient> = {
  contribute(context, { norm }) {
    const { f32, f64 } = context.memory;
    const spec = normSpec(context, norm);
    const { channels } = spec;
    const { totals, moments, backward } = normIndices(context, norm);
    const parameters = context.flat('parameters') / 4;
    const gradients = context.flat('gradients') / 4;
    return {
      serial: (count) => {
        const values = count * spec.size * spec.size;
        for (let c = 0; c < channels; c++) {
          const mean = f64[moments + c]!;
          const inverseDeviation = f64[moments + channels + c]!;
          const dBeta = f64[totals + c]!;
          const dGamma = inverseDeviation * (f64[totals + channels + c]! - mean * dBeta);
          const factor = f32[parameters + spec.gamma + c]! * inverseDeviation;
          f32[gradients + spec.beta + c] = dBeta;
          f32[gradients + spec.gamma + c] = dGamma;
          f32[backward + c] = factor;
          f32[backward + channels + c] = (-factor * inverseDeviation * dGamma) / values;
          f32[backward + 2 * channels + c] =
            (factor * (mean * inverseDeviation * dGamma - dBeta)) / values;
        }
      },
    };
  },
};
