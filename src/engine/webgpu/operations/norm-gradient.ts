// Batch normalisation's backward pass (Ioffe & Szegedy, 2015): from the partial sums that kernels of
// gradients leave to the coefficients that the next ones read. A workgroup combines four channels, as in
// `normStatistics`.

import type { NormGradient } from '../../operations/norm-gradient.ts';
import type { CompileContext } from '../context.ts';
import { sumOverLanes } from '../reduce.ts';

const LANES = 128;

/**
 * With ŷ = (y − μ)/σ, dβ = Σdz and dγ = Σdz·(y − μ)/σ:
 * dy = γ/σ · (dz − dβ/m − ŷ·dγ/m), which is k1·dz + k2·y + k3.
 */
export function normGradient(context: CompileContext, { norm }: NormGradient): void {
  const spec = context.program.norms[norm]!;
  const parts = context.gradientSums.get(norm);
  if (!parts) throw new Error(`${spec.name} has no gradient sums`);
  const builder = context.builder();
  const partials = builder.array('partials', parts.resource, 'read', 'vec4f');
  const parameters = builder.array('parameters', context.flat('parameters'), 'read', 'f32');
  const gradients = builder.array('gradients', context.flat('gradients'), 'read_write', 'f32');
  const coefficients = builder.writableNorm(spec, norm);
  const step = builder.step();
  const gamma = builder.constant(spec.gamma);
  const beta = builder.constant(spec.beta);
  const unscale = builder.lossScale('inverse');
  const productRow = builder.constant(parts.productRow);
  const quads = spec.channels / 4;
  context.add(builder, {
    threads: LANES,
    declarations: `
        var<workgroup> sums: array<vec4f, ${2 * LANES}>;
        var<workgroup> totals: array<vec4f, 2>;`,
    body: `
        let parts = ${step}.count * ${parts.partsPerImage}u;
        var sum = vec4f();
        var productSum = vec4f();
        for (var part = tid; part < parts; part += ${LANES}u) {
          let base = part * ${parts.rows * quads}u + group.x;
          sum += ${partials}[base];
          productSum += ${partials}[base + ${productRow} * ${quads}u];
        }
        ${sumOverLanes(builder, 'sums', LANES, LANES, ['sum', 'productSum'])}
        if (tid == 0u) {
          totals[0] = sum;
          totals[1] = productSum;
        }
        workgroupBarrier();
        if (tid < 4u) {
          let c = 4u * group.x + tid;
          let values = f32(${step}.count * ${spec.size ** 2}u);
          let mean = ${coefficients.row('mean', 'c')};
          let inverseDeviation = ${coefficients.row('inverseDeviation', 'c')};
          let dBeta = totals[0][tid];
          let dGamma = totals[1][tid] * inverseDeviation;
          ${gradients}[${beta} + c] = dBeta * ${unscale};
          ${gradients}[${gamma} + c] = dGamma * ${unscale};
          let factor = ${parameters}[${gamma} + c] * inverseDeviation;
          ${coefficients.row('k1', 'c')} = factor;
          ${coefficients.row('k2', 'c')} = -factor * inverseDeviation * dGamma / values;
          ${coefficients.row('k3', 'c')} = factor * (mean * inverseDeviation * dGamma - dBeta) / values;
        }`,
    workgroups: () => [quads, 1],
  });
}
