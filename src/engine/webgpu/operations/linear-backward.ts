// The classifier's gradients, one thread a result, in the plainest way as `linear`.

import type { LinearBackward } from '../../operations/linear-backward.ts';
import type { CompileContext } from '../context.ts';

const THREADS = 64;

/** dWeight = dLogitsᵀ · pooled, dBias = Σ dLogits, dPooled = dLogits · weight. */
export function linearBackward(context: CompileContext, operation: LinearBackward): void {
  const { inFeatures, outFeatures, inputGradient } = operation;
  const builder = context.builder();
  const parameters = builder.array('parameters', context.flat('parameters'), 'read', 'f32');
  const gradients = builder.array('gradients', context.flat('gradients'), 'read_write', 'f32');
  const d = builder.array('d', operation.gradient, 'read', 'f32');
  const x = builder.array('x', operation.input, 'read', 'f32');
  const dx = builder.array('dx', inputGradient, 'read_write', 'f32');
  const weight = builder.constant(operation.weight);
  const bias = builder.constant(operation.bias);
  const step = builder.step();
  const unscale = builder.lossScale('inverse');
  const weights = inFeatures * outFeatures;
  // The work in a row: weights, biases, then the gradient of the input.
  context.add(builder, {
    threads: THREADS,
    body: `
        let i = group.x * ${THREADS}u + tid;
        let count = ${step}.count;
        var sum = 0.0;
        if (i < ${weights}u) {
          let o = i / ${inFeatures}u;
          let k = i % ${inFeatures}u;
          for (var n = 0u; n < count; n++) {
            sum += ${d}[n * ${outFeatures}u + o] * ${x}[n * ${inFeatures}u + k];
          }
          ${gradients}[${weight} + i] = sum * ${unscale};
        } else if (i < ${weights + outFeatures}u) {
          let o = i - ${weights}u;
          for (var n = 0u; n < count; n++) { sum += ${d}[n * ${outFeatures}u + o]; }
          ${gradients}[${bias} + o] = sum * ${unscale};
        } else {
          let place = i - ${weights + outFeatures}u;
          let n = place / ${inFeatures}u;
          let k = place % ${inFeatures}u;
          if (n >= count) { return; }
          for (var o = 0u; o < ${builder.bound(outFeatures)}; o++) {
            sum += ${d}[n * ${outFeatures}u + o] * ${parameters}[${weight} + o * ${inFeatures}u + k];
          }
          ${dx}[place] = sum;
        }`,
    workgroups: (count) => [Math.ceil((weights + outFeatures + count * inFeatures) / THREADS), 1],
  });
}
