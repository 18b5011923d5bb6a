// Batch normalisation's serial part (Ioffe & Szegedy, 2015, with PyTorch's conventions): from sums
// over the batch to per-channel coefficients, in float64. A few hundred numbers, so plain TypeScript,
// run by the last thread of a phase.

import { NORM_EPSILON, NORM_MOMENTUM } from '../../constants.ts';
import type { NormId, Operation } from '../../program.ts';
import { type Context, normAddresses } from './context.ts';

/** A norm, and where its numbers lie, as indices into `f32` (moments and totals: `f64`). */
function placesOf(context: Context, id: NormId) {
  const { forward, backward, moments, totals } = normAddresses(context, id);
  return {
    spec: context.program.norms[id]!,
    parameters: context.flat(context.program.named.parameters) / 4,
    forward: forward / 4,
    backward: backward / 4,
    moments: moments / 8,
    totals: totals / 8,
  };
}

/** Mean and variance of the batch; scale, shift and running statistics. */
export function normStatistics(context: Context, id: NormId): (count: number) => void {
  const { f32, f64 } = context.memory;
  const { spec, parameters, totals, moments, forward } = placesOf(context, id);
  const { channels } = spec;
  const running = context.flat(context.program.named.running) / 4;
  return (count) => {
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
  };
}

/** Gradients of gamma and beta, and the coefficients of dy = k1·dz + k2·y + k3. */
export function normGradient(context: Context, id: NormId): (count: number) => void {
  const { f32, f64 } = context.memory;
  const { spec, parameters, totals, moments, backward } = placesOf(context, id);
  const { channels } = spec;
  const gradients = context.flat(context.program.named.gradients) / 4;
  return (count) => {
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
  };
}

/** Weights times the running scale, then the running shift, for inference. */
export function foldNorm(
  context: Context,
  { conv, norm, output }: Extract<Operation, { kind: 'foldNorm' }>,
): () => void {
  const spec = context.program.norms[norm]!;
  const { f32 } = context.memory;
  const parameters = context.flat(context.program.named.parameters) / 4;
  const running = context.flat(context.program.named.running) / 4;
  const folded = context.flat(output) / 4;
  const { kernel, inChannels, outChannels } = conv;
  const length = kernel * kernel * inChannels * outChannels;
  return () => {
    for (let o = 0; o < outChannels; o++) {
      const deviation = Math.sqrt(f32[running + spec.runningVariance + o]! + NORM_EPSILON);
      const scale = f32[parameters + spec.gamma + o]! / deviation;
      for (let i = o; i < length; i += outChannels) {
        f32[folded + i] = f32[parameters + conv.weight + i]! * scale;
      }
      f32[folded + length + o] =
        f32[parameters + spec.beta + o]! - f32[running + spec.runningMean + o]! * scale;
    }
  };
}
