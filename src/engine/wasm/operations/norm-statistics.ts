// Batch normalisation's forward half (Ioffe & Szegedy, 2015, with PyTorch's conventions): from sums over
// the batch to mean and variance, scale, shift and running statistics, in float64. A few hundred
// numbers, so plain TypeScript, run by the last thread of a phase.

import { NORM_EPSILON, NORM_MOMENTUM } from '../../constants.ts';
import type { NormStatistics } from '../../operations/norm-statistics.ts';
import { normIndices, normSpec } from '../executor/context.ts';
import type { WasmOperation } from './operation.ts';

export const normStatistics: WasmOperation<NormStatistics> = {
  contribute(context, { norm }) {
    const { f32, f64 } = context.memory;
    const spec = normSpec(context, norm);
    const { channels } = spec;
    const { totals, moments, forward } = normIndices(context, norm);
    const parameters = context.flat('parameters') / 4;
    const running = context.flat('running') / 4;
    return {
      serial: (count) => {
        const values = count * spec.size * spec.size;
        for (let c = 0; c < channels; c++) {
          const mean = f64[totals + c]! / values;
          const variance = Math.max(0, f64[totals + channels + c]! / values - mean * mean);
          const inverseDeviation = 1 / Math.sqrt(variance + NORM_EPSILON);
          const scale = f32[parameters + spec.gamma + c]! * inverseDeviation;
          f64[moments + c] = mean;
          f64[moments + channels + c] = inverseDeviation;
          f32[forward + c] = scale;
          f32[forward + channels + c] = f32[parameters + spec.beta + c]! - mean * scale;
          const unbiased = (variance * values) / (values - 1);
          f32[running + spec.runningMean + c]! +=
            NORM_MOMENTUM * (mean - f32[running + spec.runningMean + c]!);
          f32[running + spec.runningVariance + c]! +=
            NORM_MOMENTUM * (unbiased - f32[running + spec.runningVariance + c]!);
        }
      },
    };
  },
};
