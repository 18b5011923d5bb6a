// The backward pass of a convolution by Winograd's algorithm, in groups of images that make one matrix
// product.

import type { ConvolutionGeometry } from '../../program.ts';
import { zeroBytes } from '../kernels/bulk-memory.ts';
import { interiorOffset } from '../kernels/image.ts';
import {
  type WinogradTile,
  winogradBlock,
  winogradPlanes,
  winogradStrides,
} from '../kernels/winograd/layout.ts';
import { winogradInput, winogradOutputGradient } from '../kernels/winograd/planes.ts';
import { winogradWeightProduct } from '../kernels/winograd/products.ts';
import { winogradWeightsAdjoint } from '../kernels/winograd/weights.ts';
import type { BackwardParts } from './backward-parts.ts';
import type { Context } from './context.ts';
import { winogradGroup } from './convolve.ts';
import type { BlockRun } from './schedule-types.ts';
import { groupImages } from './scratch.ts';

export function winogradBackward(
  context: Context,
  parts: BackwardParts,
  tile: WinogradTile,
): BlockRun {
  const { conv, sums, inputGradient, weights, epilogue } = parts;
  const { inSize: size, inChannels, outChannels } = conv;
  const { scratch } = context;
  const group = groupImages(tile, size, context.blockImages);
  const xs = scratch.padded('input', size, inChannels);
  const dys = scratch.padded('gradient', size, outChannels);
  const { padded: xBytes } = winogradStrides(tile, size, inChannels);
  const { padded: dyBytes } = winogradStrides(tile, size, outChannels);
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
  const zero = context.kernel(zeroBytes());
  const adjoint = context.kernel(winogradWeightsAdjoint({ tile }));
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
  const transformInput = context.kernel(winogradInput({ tile, width: size, channels: inChannels }));
  const transformGradient = context.kernel(
    winogradOutputGradient({ tile, width: size, channels: outChannels }),
  );
  const product = context.kernel(
    winogradWeightProduct({ tile, inputChannels: inChannels, outputChannels: outChannels }),
  );
  const { tiles, images: most, tileRows } = winogradBlock(tile, size, size);
  const tilesPerImage = tiles / most;
  const xs = scratch.padded('input', size, inChannels);
  const dys = scratch.padded('gradient', size, outChannels) + interiorOffset(size, outChannels);
  const x = winogradStrides(tile, size, inChannels);
  const dy = winogradStrides(tile, size, outChannels);
  const { input, products, columns, weightGradient } = scratch;
  return (images, part) => {
    for (let i = 0; i < images; i++) {
      const xAt = xs + i * x.padded + part * x.paddedPart;
      transformInput(xAt, columns, input + i * x.tiles, x.plane, tileRows);
      const dyAt = dys + i * dy.padded + part * dy.paddedPart;
      transformGradient(dyAt, columns, products + i * dy.tiles, dy.plane, tileRows);
    }
    product(input, products, weightGradient, x.plane, dy.plane, images * tilesPerImage);
  };
}
