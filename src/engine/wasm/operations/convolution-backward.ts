// Both gradients of a convolution on a block of images: the output gradient and the input are staged once
// and serve both the weight gradient (of this block, summed over blocks afterwards) and the input
// gradient, whose epilogue applies the ReLU's gate, adds the shortcut's gradient and sums for the batch
// norms below.

import { convolutionWeights } from '../../../nn/multiply-adds.ts';
import type { ConvolutionBackward } from '../../operations/convolution-backward.ts';
import type { ConvolutionGeometry, InputGradient } from '../../operations/operands.ts';
import { directBackward } from '../executor/backward-direct.ts';
import type { BackwardParts } from '../executor/backward-parts.ts';
import { winogradBackward } from '../executor/backward-winograd.ts';
import { usesWinograd } from '../executor/blocks.ts';
import { type Context, normAddresses } from '../executor/context.ts';
import type { EpilogueCall } from '../executor/convolve.ts';
import { sumGradients } from '../executor/reduce.ts';
import { stageGradient, stageInput } from '../executor/staging.ts';
import { BlockSums } from '../executor/sums.ts';
import { backwardWeights } from '../executor/weights.ts';
import { productSums } from '../kernels/epilogue.ts';
import type { WasmOperation } from './operation.ts';

/** A norm under the input gradient: its convolution's output, and the sums to be taken. */
interface NormSums {
  readonly y: number;
  readonly norm: number;
  readonly block: BlockSums;
}

export const convolutionBackward: WasmOperation<ConvolutionBackward> = {
  contribute(context, operation) {
    const { conv, inputGradient } = operation;
    const { blockImages } = context;
    const weights = inputGradient ? backwardWeights(context, conv) : undefined;
    const slot = context.takeGradientSlot();
    const norms = (inputGradient?.sums ?? []).map(({ norm, y }, i): NormSums => {
      if (i > 1) throw new Error('more than two batch norms under one gradient');
      return { y, norm, block: new BlockSums(context, norm, i as 0 | 1) };
    });
    const sums = norms.map(({ block }) => block);
    const parts: BackwardParts = {
      conv,
      stageInput: stageInput(context, conv, operation.input),
      stageGradient: stageGradient(context, operation.outputGradient, {
        size: conv.outSize,
        channels: conv.outChannels,
      }),
      slot,
      weights,
      inputGradient,
      epilogue: inputGradient ? gradientEpilogue(context, inputGradient, norms) : { kind: 'none' },
      sums,
      secondSums: secondSums(context, conv, inputGradient, norms),
    };
    const block = usesWinograd(conv, context.tile)
      ? winogradBackward(context, parts, context.tile)
      : directBackward(context, parts);
    const destination = context.flat('gradients') + conv.weight * 4;
    return {
      blockImages,
      before: weights?.prepare,
      run: (first, end, index) => {
        for (const sum of sums) sum.clear(index);
        block(first, end, index);
      },
      after: sumGradients(context, destination, slot, convolutionWeights(conv) * 4),
      serial: (count) => {
        for (const sum of sums) sum.total(count, blockImages);
      },
    };
  },

  gradientBytes: ({ conv }) => convolutionWeights(conv) * 4,
};

/** Which fused epilogue an input gradient is. */
function gradientEpilogue(
  context: Context,
  { gate, shortcut, sums }: InputGradient,
  [first]: readonly NormSums[],
): EpilogueCall {
  if (!gate && !shortcut && sums.length === 0) return { kind: 'none' };
  if (!gate || !first)
    throw new Error('an input gradient with a shortcut or sums needs both gate and sums');
  const a = context.images(first.y);
  const { address } = first.block;
  if (gate.kind === 'normalized') {
    if (shortcut || gate.norm !== first.norm) {
      throw new Error('a normalized gate goes with the sums of its own norm and no shortcut');
    }
    return {
      kind: 'normReluGradient',
      a,
      coefficients: normAddresses(context, gate.norm).forward,
      sums: address,
    };
  }
  const b = context.images(gate.x);
  if (shortcut?.kind === 'identity') {
    return { kind: 'addReluGradient', a, b, c: context.images(shortcut.dz), sums: address };
  }
  return { kind: 'reluGradient', a, b, sums: address };
}

function secondSums(
  context: Context,
  { inSize, inChannels }: ConvolutionGeometry,
  inputGradient: InputGradient | undefined,
  [, second]: readonly NormSums[],
): (image: number) => void {
  if (!inputGradient || !second) return () => {};
  const output = context.images(inputGradient.output);
  const y = context.images(second.y);
  const { address } = second.block;
  const pass = context.kernel(productSums({ height: inSize, width: inSize, channels: inChannels }));
  return (image) => pass(output.at(image), y.at(image), address);
}
