// Convolutions of a block of images, forward: Winograd's algorithm in groups of images that make one
// matrix product, or the direct kernel image by image. The same code serves training (sums for batch
// norm) and inference (bias, shortcut, ReLU): they differ in the epilogue.

import type { ConvolutionGeometry } from '../../program.ts';
import {
  type Epilogue,
  paddedBytes,
  type WinogradTile,
  winogradBlock,
  winogradPlaneStride,
} from '../kernels/signatures.ts';
import { usesWinograd } from './blocks.ts';
import type { Context, PlacedBuffer } from './context.ts';
import { groupImages } from './scratch.ts';
import type { StageImage } from './staging.ts';

/** What happens to results before they are stored; unused operands are absent. */
export interface EpilogueCall {
  readonly kind: Epilogue;
  readonly a?: PlacedBuffer;
  readonly b?: PlacedBuffer;
  readonly c?: PlacedBuffer;
  readonly coef?: number;
  /** Where the kernel adds its float32 sums. */
  readonly sums?: number;
}

export interface ConvolveCall {
  readonly conv: ConvolutionGeometry;
  /** Images of the largest block. */
  readonly blockImages: number;
  /** In the form that `weightForm` names. */
  readonly weights: number;
  readonly stage: StageImage;
  readonly output: PlacedBuffer;
  readonly epilogue: EpilogueCall;
  /** Called after each group, to take its sums. */
  readonly afterGroup: (block: number) => void;
}

/** Convolves images first to end of block `block`. */
export type Convolve = (first: number, end: number, block: number) => void;

export function convolve(context: Context, call: ConvolveCall): Convolve {
  return usesWinograd(call.conv, context.tile)
    ? convolveWinograd(context, call, context.tile)
    : convolveDirectly(context, call);
}

function convolveDirectly(context: Context, call: ConvolveCall): Convolve {
  const { conv, weights, stage, output, afterGroup } = call;
  const { kernel, stride, inSize, outSize, inChannels, outChannels } = conv;
  const product = context.kernel({
    family: 'convolution',
    kernel,
    stride,
    height: inSize,
    width: inSize,
    inputChannels: inChannels,
    outputChannels: outChannels,
  });
  const finish = epiloguePass(context, call.epilogue, outSize, outChannels);
  const input =
    kernel === 3 ? context.scratch.padded('input', inSize, inChannels) : context.scratch.image;
  return (first, end, block) => {
    for (let image = first; image < end; image++) {
      stage(image, input);
      product(input, weights, output.at(image));
      finish(image, output.at(image));
      afterGroup(block);
    }
  };
}

/** An epilogue as a pass over one stored image. */
export function epiloguePass(
  context: Context,
  { kind, a, b, c, coef = 0, sums = 0 }: EpilogueCall,
  size: number,
  channels: number,
): (image: number, address: number) => void {
  if (kind === 'none') return () => {};
  const shape = { height: size, width: size, channels };
  const pass = context.kernel({ family: 'epilogue', epilogue: kind, ...shape });
  return (image, address) =>
    pass(address, sums, a ? a.at(image) : 0, b ? b.at(image) : 0, c ? c.at(image) : 0, coef);
}

function convolveWinograd(context: Context, call: ConvolveCall, tile: WinogradTile): Convolve {
  const { conv, stage, afterGroup } = call;
  const { inSize: size, inChannels } = conv;
  const group = groupImages(tile, size, call.blockImages);
  const scratch = context.scratch.padded('input', size, inChannels);
  const imageBytes = paddedBytes(size, size, inChannels);
  const multiply = winogradGroup(context, {
    tile,
    size,
    inputChannels: inChannels,
    outputChannels: conv.outChannels,
    scratch,
    weights: call.weights,
    output: call.output,
    epilogue: call.epilogue,
  });
  const { parts } = winogradBlock(tile, size, size);
  return (first, end, block) => {
    for (let start = first; start < end; start += group) {
      const images = Math.min(group, end - start);
      for (let i = 0; i < images; i++) stage(start + i, scratch + i * imageBytes);
      for (let part = 0; part < parts; part++) multiply(start, images, part);
      afterGroup(block);
    }
  };
}

export interface WinogradGroupCall {
  readonly tile: WinogradTile;
  readonly size: number;
  readonly inputChannels: number;
  readonly outputChannels: number;
  /** Padded images of the group. */
  readonly scratch: number;
  /** Transformed weights U. */
  readonly weights: number;
  readonly output: PlacedBuffer;
  readonly epilogue: EpilogueCall;
}

/**
 * One part (some rows of tiles) of a group of staged images: input transform, n² matrix products,
 * output transform with the epilogue.
 */
export function winogradGroup(
  context: Context,
  call: WinogradGroupCall,
): (start: number, images: number, part: number) => void {
  const { tile, size, inputChannels, outputChannels, scratch, weights, output } = call;
  const { kind, a, b, c, coef = 0, sums = 0 } = call.epilogue;
  const shape = { tile, width: size } as const;
  const transform = context.kernel({ family: 'winogradInput', ...shape, channels: inputChannels });
  const product = context.kernel({
    family: 'winogradProduct',
    tile,
    inputChannels,
    outputChannels,
  });
  const finish = context.kernel({
    family: 'winogradOutput',
    ...shape,
    channels: outputChannels,
    epilogue: kind,
  });
  const plan = winogradBlock(tile, size, size);
  const { tileRows } = plan;
  const tilesPerImage = (size / tile) * tileRows;
  const strideIn = winogradPlaneStride(plan.tiles, inputChannels);
  const strideOut = winogradPlaneStride(plan.tiles, outputChannels);
  const { input: planes, products, columns, output: temporary } = context.scratch;
  const imageBytes = paddedBytes(size, size, inputChannels);
  const partIn = tileRows * tile * (size + 2) * inputChannels * 4;
  const partOut = tileRows * tile * size * outputChannels * 4;
  const tileIn = tilesPerImage * inputChannels * 4;
  const tileOut = tilesPerImage * outputChannels * 4;
  return (start, images, part) => {
    const from = scratch + part * partIn;
    const to = part * partOut;
    for (let i = 0; i < images; i++) {
      transform(from + i * imageBytes, columns, planes + i * tileIn, strideIn, tileRows);
    }
    product(planes, weights, products, strideIn, strideOut, images * tilesPerImage);
    for (let i = 0; i < images; i++) {
      const image = start + i;
      finish(
        products + i * tileOut,
        strideOut,
        tileRows,
        output.at(image) + to,
        sums,
        a ? a.at(image) + to : 0,
        b ? b.at(image) + to : 0,
        c ? c.at(image) + to : 0,
        coef,
        temporary,
      );
    }
  };
}
