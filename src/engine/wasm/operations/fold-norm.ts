// Folds a batch norm into weights and bias for inference, and transforms the weights where that is
// wanted.

import { convolutionWeights } from '../../../nn/multiply-adds.ts';
import { NORM_EPSILON } from '../../constants.ts';
import type { FoldNorm } from '../../operations/fold-norm.ts';
import { type Context, normSpec } from '../executor/context.ts';
import { forwardWeights, preparedBytes } from '../executor/weights.ts';
import type { WasmOperation } from './operation.ts';

export const foldNorm: WasmOperation<FoldNorm> = {
  contribute(context, operation) {
    const { conv, output } = operation;
    const foldWeights = folding(context, operation);
    const weights = forwardWeights(context, conv, context.flat(output), () =>
      context.shared.allocate(preparedBytes(context, conv)),
    );
    context.preparedWeights.set(output, weights.address);
    return {
      before: {
        tasks: () => 1,
        run: (task, count) => {
          foldWeights();
          weights.prepare?.run(task, count);
        },
      },
    };
  },
};

/** Weights times the running scale, then the running shift. */
function folding(context: Context, { conv, norm, output }: FoldNorm): () => void {
  const spec = normSpec(context, norm);
  const { f32 } = context.memory;
  const parameters = context.flat('parameters') / 4;
  const running = context.flat('running') / 4;
  const folded = context.flat(output) / 4;
  const { outChannels } = conv;
  const length = convolutionWeights(conv);
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
