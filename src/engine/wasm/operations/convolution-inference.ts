// A convolution of an evaluation: batch norm is in its weights, and its epilogue adds bias and shortcut
// and applies the ReLU.

import { convolutionWeights } from '../../../nn/multiply-adds.ts';
import type { ConvolutionInference } from '../../operations/convolution-inference.ts';
import type { Context } from '../executor/context.ts';
import { convolve, type EpilogueCall } from '../executor/convolve.ts';
import { stageInput } from '../executor/staging.ts';
import { shortcutGather } from '../kernels/shortcut.ts';
import type { WasmOperation } from './operation.ts';

export const convolutionInference: WasmOperation<ConvolutionInference> = {
  contribute(context, operation) {
    const { conv, folded, input, output } = operation;
    const { blockImages } = context;
    const weights = context.flat(folded);
    const coefficients = weights + convolutionWeights(conv) * 4;
    const { epilogue, prepare } = epilogueOf(context, operation, coefficients);
    const stage = stageInput(context, conv, input);
    const run = convolve(context, {
      conv,
      blockImages,
      weights: context.preparedWeights.get(folded) ?? weights,
      stage: (image, target) => {
        stage(image, target);
        prepare(image);
      },
      output: context.images(output),
      epilogue,
      afterGroup: () => {},
    });
    return { blockImages, run };
  },
};

/** The epilogue, and what must be done for each image before it. */
function epilogueOf(
  context: Context,
  { conv, relu, shortcut }: ConvolutionInference,
  coefficients: number,
): { epilogue: EpilogueCall; prepare: (image: number) => void } {
  if (!shortcut)
    return { epilogue: { kind: relu ? 'biasRelu' : 'bias', coefficients }, prepare: () => {} };
  if (!relu) throw new Error('a shortcut is followed by a ReLU');
  const x = context.images(shortcut.x);
  if (shortcut.kind === 'identity') {
    return { epilogue: { kind: 'biasAddRelu', coefficients, a: x }, prepare: () => {} };
  }
  // One image at a time: gathered into scratch just before the convolution that adds it.
  const gathered = context.gathered();
  const { outSize, outChannels } = conv;
  const gather = context.kernel(
    shortcutGather({
      height: outSize,
      width: outSize,
      channels: outChannels,
      before: shortcut.channelsBefore,
    }),
  );
  return {
    epilogue: { kind: 'biasAddRelu', coefficients, a: gathered },
    prepare: (image) => gather(x.at(image), gathered.at(image)),
  };
}
