// The backward pass of a convolution by the direct kernels, image by image: every convolution where
// Winograd is switched off, else the first one, strided ones and projections.

import { convolutionWeights } from '../../../nn/multiply-adds.ts';
import type { ConvolutionGeometry } from '../../program.ts';
import { copyBytes, zeroBytes } from '../kernels/bulk-memory.ts';
import { convolution } from '../kernels/convolution.ts';
import { convolutionWeightGradient } from '../kernels/convolution-weight-gradient.ts';
import { interiorOffset } from '../kernels/image.ts';
import { shortcutScatterAdd } from '../kernels/shortcut.ts';
import { stridedInputGradient } from '../kernels/strided-input-gradient.ts';
import type { BackwardParts } from './backward-parts.ts';
import type { Context } from './context.ts';
import { convolutionShape, finishImage } from './convolve.ts';
import type { BlockRun } from './schedule-types.ts';

export function directBackward(context: Context, parts: BackwardParts): BlockRun {
  const { conv, sums } = parts;
  const { kernel, inSize, outSize, inChannels, outChannels } = conv;
  const { scratch } = context;
  const input = kernel === 3 ? scratch.padded('input', inSize, inChannels) : scratch.image;
  const dy = scratch.padded('gradient', outSize, outChannels);
  const dyInterior = dy + interiorOffset(outSize, outChannels);
  const weightGradient = context.kernel(convolutionWeightGradient(convolutionShape(conv)));
  const inputGradient = directInputGradient(context, parts, dy);
  const zero = context.kernel(zeroBytes());
  const bytes = convolutionWeights(conv) * 4;
  return (first, end, block) => {
    const partial = parts.slot + block * context.gradientStride;
    zero(partial, bytes);
    for (let image = first; image < end; image++) {
      parts.stageInput(image, input);
      parts.stageGradient(image, dy);
      weightGradient(input, dyInterior, partial);
      inputGradient(image);
      parts.secondSums(image);
      for (const sum of sums) sum.take(block);
    }
  };
}

function directInputGradient(
  context: Context,
  { conv, inputGradient, weights, epilogue }: BackwardParts,
  dy: number,
): (image: number) => void {
  if (!inputGradient || !weights) return () => {};
  const { kernel, stride, inSize, outSize, inChannels, outChannels } = conv;
  const output = context.images(inputGradient.output);
  const finish = finishImage(context, epilogue, inSize, inChannels);
  const bytes = inSize * inSize * inChannels * 4;
  const copy = context.kernel(copyBytes());
  const { shortcut } = inputGradient;
  // The shortcut's gradient may lie where the result goes; it is read by the epilogue.
  const aside = shortcut?.kind === 'identity';
  const product = inputGradientProduct(context, conv, dy, weights.address);
  let addShortcut = (_image: number, _target: number): void => {};
  if (shortcut?.kind === 'pad') {
    const dz = context.images(shortcut.dz);
    const scatter = context.kernel(
      shortcutScatterAdd({
        height: outSize,
        width: outSize,
        channels: outChannels,
        before: shortcut.channelsBefore,
      }),
    );
    addShortcut = (image, target) => scatter(target, dz.at(image));
  }
  if (kernel === 1 && stride === 1) throw new Error('a projection without stride');
  return (image) => {
    const target = aside ? context.scratch.result : output.at(image);
    product(target);
    addShortcut(image, target);
    finish(image, target);
    if (aside) copy(output.at(image), target, bytes);
  };
}

/** The transposed convolution alone, from the staged dy to a dense image. */
function inputGradientProduct(
  context: Context,
  conv: ConvolutionGeometry,
  dy: number,
  weights: number,
): (target: number) => void {
  const { kernel, stride, inSize, outSize, inChannels, outChannels } = conv;
  if (stride === 1) {
    const product = context.kernel(
      convolution({
        kernel,
        stride,
        height: outSize,
        width: outSize,
        inputChannels: outChannels,
        outputChannels: inChannels,
      }),
    );
    return (target) => product(dy, weights, target);
  }
  const { stride: _, ...shape } = convolutionShape(conv);
  const product = context.kernel(stridedInputGradient(shape));
  const interior = dy + interiorOffset(outSize, outChannels);
  if (kernel === 3) return (target) => product(interior, weights, target);
  // The 1×1 kernel adds to the even pixels; the others get nothing.
  const zero = context.kernel(zeroBytes());
  const bytes = inSize * inSize * inChannels * 4;
  return (target) => {
    zero(target, bytes);
    product(interior, weights, target);
  };
}
