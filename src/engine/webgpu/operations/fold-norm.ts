// Folds the running statistics into the weight and bias of a convolution: w·γ/σ and β − μ·γ/σ.

import { convolutionWeights } from '../../../nn/multiply-adds.ts';
import { NORM_EPSILON } from '../../constants.ts';
import type { FoldNorm } from '../../operations/fold-norm.ts';
import type { CompileContext } from '../context.ts';

/** One thread a weight; those of the first input channel and tap make the bias as well. */
export function foldNorm(context: CompileContext, operation: FoldNorm): void {
  const { conv, norm, output } = operation;
  const spec = context.program.norms[norm]!;
  const builder = context.builder();
  const parameters = builder.array('parameters', context.flat('parameters'), 'read', 'f32');
  const running = builder.array('running', context.flat('running'), 'read', 'f32');
  const folded = builder.array('folded', output, 'read_write', 'f32');
  const weight = builder.constant(conv.weight);
  const gamma = builder.constant(spec.gamma);
  const beta = builder.constant(spec.beta);
  const mean = builder.constant(spec.runningMean);
  const variance = builder.constant(spec.runningVariance);
  const total = convolutionWeights(conv);
  const threads = 64;
  context.add(builder, {
    threads,
    body: `
        let i = group.x * ${threads}u + tid;
        if (i >= ${total}u) { return; }
        let o = i % ${conv.outChannels}u;
        let scale = ${parameters}[${gamma} + o] / sqrt(${running}[${variance} + o] + ${NORM_EPSILON});
        ${folded}[i] = ${parameters}[${weight} + i] * scale;
        if (i < ${conv.outChannels}u) {
          ${folded}[${total}u + o] = ${parameters}[${beta} + o] - ${running}[${mean} + o] * scale;
        }`,
    workgroups: () => [Math.ceil(total / threads), 1],
  });
}
