// The backward pass of a convolution on a block of images: the output gradient and the input are
// staged once and serve both the weight gradient (of this block, summed over blocks afterwards) and
// the input gradient, whose epilogue applies the ReLU's gate, adds the shortcut's gradient and sums
// for the batch norms below.

import type { ConvolutionGeometry, InputGradient, Operation } from '../../program.ts';
import {
  interiorOffset,
  paddedBytes,
  type WinogradTile,
  winogradBlock,
  winogradPlaneStride,
  winogradPlanes,
} from '../kernels/signatures.ts';
import { directBackward } from './backward-direct.ts';
import type { BackwardParts } from './backward-parts.ts';
import { usesWinograd } from './blocks.ts';
import { type Context, normAddresses } from './context.ts';
import { type EpilogueCall, winogradGroup } from './convolve.ts';
import { sumGradients } from './reduce.ts';
import type { BlockRun, Contribution } from './schedule-types.ts';
import { groupImages } from './scratch.ts';
import { stageActivation, stageGradient } from './staging.ts';
import { BlockSums } from './sums.ts';
import { backwardWeights } from './weights.ts';

type Backward = Extract<Operation, { kind: 'convolutionBackward' }>;

export function convolutionBackward(context: Context, operation: Backward): Contribution {
  const { conv, inputGradient } = operation;
  const { inSize, outSize, inChannels, outChannels } = conv;
  const { blockImages } = context;
  const weights = inputGradient ? backwardWeights(context, conv) : undefined;
  const slot = context.takeGradientSlot();
  const sums = (inputGradient?.sums ?? []).map(({ norm }, i) => {
    if (i > 1) throw new Error('more than two batch norms under one gradient');
    return new BlockSums(context, norm, i as 0 | 1);
  });
  const parts: BackwardParts = {
    conv,
    stageInput: stageActivation(
      context,
      operation.input,
      { size: inSize, channels: inChannels },
      conv.kernel === 3 ? 'padded' : 'dense',
    ),
    stageGradient: stageGradient(context, operation.outputGradient, {
      size: outSize,
      channels: outChannels,
    }),
    slot,
    weights,
    inputGradient,
    epilogue: inputGradient ? gradientEpilogue(context, inputGradient, sums) : { kind: 'none' },
    sums,
    secondSums: secondSums(context, conv, inputGradient, sums),
  };
  const block = usesWinograd(conv, context.tile)
    ? winogradBackward(context, parts, context.tile)
    : directBackward(context, parts);
  const bytes = conv.kernel * conv.kernel * inChannels * outChannels * 4;
  const destination = context.flat(context.program.named.gradients) + conv.weight * 4;
  return {
    blockImages,
    before: weights?.prepare,
    run: (first, end, index) => {
      for (const sum of sums) sum.clear(index);
      block(first, end, index);
    },
    after: sumGradients(context, destination, slot, bytes),
    serial: (count) => {
      for (const sum of sums) sum.total(count, blockImages);
    },
  };
}

/** Which fused epilogue an input gradient is. */
function gradientEpilogue(
  context: Context,
  { gate, shortcut, sums }: InputGradient,
  blockSums: readonly BlockSums[],
): EpilogueCall {
  if (!gate && !shortcut && sums.length === 0) return { kind: 'none' };
  const first = sums[0];
  if (!gate || !first)
    throw new Error('an input gradient with a shortcut or sums needs both gate and sums');
  const a = context.images(first.y);
  const address = blockSums[0]!.address;
  if (gate.kind === 'normalized') {
    if (shortcut || gate.norm !== first.norm) {
      throw new Error('a normalized gate goes with the sums of its own norm and no shortcut');
    }
    return { kind: 'mid', a, coef: normAddresses(context, gate.norm).forward, sums: address };
  }
  const b = context.images(gate.x);
  if (shortcut?.kind === 'identity') {
    return { kind: 'blockAdd', a, b, c: context.images(shortcut.dz), sums: address };
  }
  return { kind: 'block', a, b, sums: address };
}

function secondSums(
  context: Context,
  { inSize, inChannels }: ConvolutionGeometry,
  inputGradient: InputGradient | undefined,
  sums: readonly BlockSums[],
): (image: number) => void {
  const second = inputGradient?.sums[1];
  if (!inputGradient || !second) return () => {};
  const output = context.images(inputGradient.output);
  const y = context.images(second.y);
  const { address } = sums[1]!;
  const pass = context.kernel({
    family: 'productSums',
    height: inSize,
    width: inSize,
    channels: inChannels,
  });
  return (image) => pass(output.at(image), y.at(image), address);
}

function winogradBackward(context: Context, parts: BackwardParts, tile: WinogradTile): BlockRun {
  const { conv, sums, inputGradient, weights, epilogue } = parts;
  const { inSize: size, inChannels, outChannels } = conv;
  const { scratch } = context;
  const group = groupImages(tile, size, context.blockImages);
  const xs = scratch.padded('input', size, inChannels);
  const dys = scratch.padded('gradient', size, outChannels);
  const xBytes = paddedBytes(size, size, inChannels);
  const dyBytes = paddedBytes(size, size, outChannels);
  const weightGradient = winogradWeightGradient(context, conv, tile);
  const plan = winogradBlock(tile, size, size);
  if (inputGradient?.shortcut?.kind === 'pad') {
    throw new Error('a padded shortcut goes with a strided convolution');
  }
  const multiply =
    inputGradient && weights
      ? winogradGroup(context, {
          tile,
          size,
          inputChannels: outChannels,
          outputChannels: inChannels,
          scratch: dys,
          weights: weights.address,
          output: context.images(inputGradient.output),
          epilogue,
        })
      : () => {};
  const zero = context.kernel({ family: 'zeroBytes' });
  const adjoint = context.kernel({ family: 'winogradWeightsAdjoint', tile });
  const planeBytes = inChannels * outChannels * 4;
  const transformedBytes = winogradPlanes(tile) * planeBytes;
  return (first, end, block) => {
    zero(scratch.weightGradient, transformedBytes);
    for (let start = first; start < end; start += group) {
      const images = Math.min(group, end - start);
      for (let i = 0; i < images; i++) {
        parts.stageGradient(start + i, dys + i * dyBytes);
        parts.stageInput(start + i, xs + i * xBytes);
      }
      for (let part = 0; part < plan.parts; part++) {
        weightGradient(images, part);
        multiply(start, images, part);
      }
      for (let i = 0; i < images; i++) parts.secondSums(start + i);
      for (const sum of sums) sum.take(block);
    }
    adjoint(scratch.weightGradient, parts.slot + block * context.gradientStride, planeBytes);
  };
}

/** dU += Vᵀ·W of one part of a group of staged images. */
function winogradWeightGradient(
  context: Context,
  conv: ConvolutionGeometry,
  tile: WinogradTile,
): (images: number, part: number) => void {
  const { inSize: size, inChannels, outChannels } = conv;
  const { scratch } = context;
  const shape = { tile, width: size } as const;
  const transformInput = context.kernel({
    family: 'winogradInput',
    ...shape,
    channels: inChannels,
  });
  const transformGradient = context.kernel({
    family: 'winogradOutputGradient',
    ...shape,
    channels: outChannels,
  });
  const product = context.kernel({
    family: 'winogradWeightProduct',
    tile,
    inputChannels: inChannels,
    outputChannels: outChannels,
  });
  const plan = winogradBlock(tile, size, size);
  const { tileRows } = plan;
  const tilesPerImage = (size / tile) * tileRows;
  const strideIn = winogradPlaneStride(plan.tiles, inChannels);
  const strideOut = winogradPlaneStride(plan.tiles, outChannels);
  const xs = scratch.padded('input', size, inChannels);
  const dys = scratch.padded('gradient', size, outChannels) + interiorOffset(size, outChannels);
  const xBytes = paddedBytes(size, size, inChannels);
  const dyBytes = paddedBytes(size, size, outChannels);
  const partRow = tileRows * tile * (size + 2) * 4;
  const { input, products, columns, weightGradient } = scratch;
  return (images, part) => {
    for (let i = 0; i < images; i++) {
      const tileOffset = i * tilesPerImage * 4;
      const x = xs + i * xBytes + part * partRow * inChannels;
      transformInput(x, columns, input + tileOffset * inChannels, strideIn, tileRows);
      const dy = dys + i * dyBytes + part * partRow * outChannels;
      transformGradient(dy, columns, products + tileOffset * outChannels, strideOut, tileRows);
    }
    const tiles = images * tilesPerImage;
    product(input, products, weightGradient, strideIn, strideOut, tiles);
  };
}
