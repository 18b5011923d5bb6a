// Batch normalisation (Ioffe & Szegedy, 2015): from the partial results that convolutions leave to the
// coefficients that the next kernels read. A workgroup combines four channels: thread l takes parts
// l, l + 128, ..., then a tree combines the threads, always in this order.

import { NORM_EPSILON, NORM_MOMENTUM } from '../../constants.ts';
import type { NormStatistics } from '../../operations/norm-statistics.ts';
import type { CompileContext } from '../context.ts';

const LANES = 128;

/**
 * Mean and variance of the batch, scale = γ/σ and shift = β − μ·γ/σ, running statistics. Parts are
 * combined as (n, mean, M2): with d = b − a, mean = a + d·nb/n, M2 = M2a + M2b + d²·na·nb/n (Chan,
 * Golub & LeVeque, 1979).
 */
export function normStatistics(context: CompileContext, { norm }: NormStatistics): void {
  const spec = context.program.norms[norm]!;
  const parts = context.moments.get(norm);
  if (!parts) throw new Error(`${spec.name} has no sums`);
  const builder = context.builder();
  const partials = builder.array('partials', parts.resource, 'read', 'vec4f');
  const parameters = builder.array('parameters', context.flat('parameters'), 'read', 'f32');
  const running = builder.array('running', context.flat('running'), 'read_write', 'f32');
  const coefficients = builder.writableNorm(spec, norm);
  const step = builder.step();
  const gamma = builder.constant(spec.gamma);
  const beta = builder.constant(spec.beta);
  const runningMean = builder.constant(spec.runningMean);
  const runningVariance = builder.constant(spec.runningVariance);
  const quads = spec.channels / 4;
  context.add(builder, {
    threads: LANES,
    declarations: `
        var<workgroup> means: array<vec4f, ${LANES}>;
        var<workgroup> deviations: array<vec4f, ${LANES}>;
        var<workgroup> counts: array<f32, ${LANES}>;
        fn merge(into: u32, mean: vec4f, deviation: vec4f, count: f32) {
          let total = counts[into] + count;
          if (total == 0.0) { return; }
          let d = mean - means[into];
          let share = count / total;
          means[into] += d * share;
          deviations[into] += deviation + d * d * (counts[into] * share);
          counts[into] = total;
        }`,
    body: `
        let parts = ${step}.count * ${parts.partsPerImage}u;
        means[tid] = vec4f();
        deviations[tid] = vec4f();
        counts[tid] = 0.0;
        for (var part = tid; part < parts; part += ${LANES}u) {
          let base = part * ${parts.rows * quads}u + group.x;
          merge(tid, ${partials}[base], ${partials}[base + ${quads}u], ${parts.valuesPerPart}.0);
        }
        for (var s = ${builder.bound(LANES / 2)}; s > 0u; s /= 2u) {
          workgroupBarrier();
          if (tid < s) { merge(tid, means[tid + s], deviations[tid + s], counts[tid + s]); }
        }
        workgroupBarrier();
        if (tid < 4u) {
          let c = 4u * group.x + tid;
          let values = f32(${step}.count * ${spec.size ** 2}u);
          let mean = means[0][tid];
          let squares = deviations[0][tid];
          let inverseDeviation = 1.0 / sqrt(squares / values + ${NORM_EPSILON});
          let scale = ${parameters}[${gamma} + c] * inverseDeviation;
          ${coefficients.row('scale', 'c')} = scale;
          ${coefficients.row('shift', 'c')} = ${parameters}[${beta} + c] - mean * scale;
          ${coefficients.row('mean', 'c')} = mean;
          ${coefficients.row('inverseDeviation', 'c')} = inverseDeviation;
          let unbiased = squares / (values - 1.0);
          let oldMean = ${running}[${runningMean} + c];
          let oldVariance = ${running}[${runningVariance} + c];
          ${running}[${runningMean} + c] = oldMean + ${NORM_MOMENTUM} * (mean - oldMean);
          ${running}[${runningVariance} + c] = oldVariance + ${NORM_MOMENTUM} * (unbiased - oldVariance);
        }`,
    workgroups: () => [quads, 1],
  });
}
