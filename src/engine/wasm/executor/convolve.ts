// Convolutions of a block of images, forward: Winograd's algorithm in groups of images that make one
// matrix product, or the direct kernel image by image. The same code serves training (sums for batch
// norm) and inference (bias, shortcut, ReLU): they differ in the epilogue.

import type { ConvolutionGeometry } from '../../program.ts';
import { type ConvolutionShape, convolution } from '../kernels/convolution.ts';
import { type Epilogue, epiloguePass } from '../kernels/epilogue.ts';
import { type WinogradTile, winogradBlock, winogradStrides } from '../kernels/winograd/layout.ts';
import { winogradOutput } from '../kernels/winograd/output.ts';
import { winogradInput } from '../kernels/winograd/planes.ts';
import { winogradProduct } from '../kernels/winograd/products.ts';
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
  readonly coefficients?: number;
  /** Where the kernel adds its float32 sums. */
  readonly sums?: number;
}

interface ConvolveCall {
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
type Convolve = (first: number, end: number, block: number) => void;

export function convolve(context: Context, call: ConvolveCall): Convolve {
  return usesWinograd(call.conv, context.tile)
    ? convolveWinograd(context, call, context.tile)
    : convolveDirectly(context, call);
}

function convolveDirectly(context: Context, call: ConvolveCall): Convolve {
  const { conv, weights, stage, output, afterGroup } = call;
  const { kernel, inSize, outSize, inChannels, outChannels } = conv;
  const product = context.kernel(convolution(convolutionShape(conv)));
  const finish = finishImage(context, call.epilogue, outSize, outChannels);
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

/** The shape of the direct kernels of a convolution. */
export function convolutionShape({
  kernel,
  stride,
  inSize,
  inChannels,
  outChannels,
}: ConvolutionGeometry): ConvolutionShape {
  return {
    kernel,
    stride,
    height: inSize,
    width: inSize,
    inputChannels: inChannels,
    outputChannels: outChannels,
  };
}

/** An epilogue as a pass over one stored image. */
export function finishImage(
  context: Context,
  { kind, a, b, c, coefficients = 0, sums = 0 }: EpilogueCall,
  size: number,
  channels: number,
): (image: number, address: number) => void {
  if (kind === 'none') return () => {};
  const pass = context.kernel(
    epiloguePass({ epilogue: kind, height: size, width: size, channels }),
  );
  return (image, address) =>
    pass(
      address,
      sums,
      a ? a.at(image) : 0,
      b ? b.at(image) : 0,
      c ? c.at(image) : 0,
      coefficients,
    );
}

function convolveWinograd(context: Context, call: ConvolveCall, tile: WinogradTile): Convolve {
  const { conv, stage, afterGroup } = call;
  const { inSize: size, inChannels } = conv;
  const group = groupImages(tile, size, call.blockImages);
  const scratch = context.scratch.padded('input', size, inChannels);
  const { padded: imageBytes } = winogradStrides(tile, size, inChannels);
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

interface WinogradGroupCall {
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
  const { kind, a, b, c, coefficients = 0, sums = 0 } = call.epilogue;
  const transform = context.kernel(winogradInput({ tile, width: size, channels: inputChannels }));
  const product = context.kernel(winogradProduct({ tile, inputChannels, outputChannels }));
  const finish = context.kernel(
    winogradOutput({ tile, width: size, channels: outputChannels, epilogue: kind }),
  );
  const { tiles, images: most, tileRows } = winogradBlock(tile, size, size);
  const tilesPerImage = tiles / most;
  const from = winogradStrides(tile, size, inputChannels);
  const to = winogradStrides(tile, size, outputChannels);
  const { input: planes, products, columns, output: temporary } = context.scratch;
  return (start, images, part) => {
    const staged = scratch + part * from.paddedPart;
    const offset = part * to.densePart;
    for (let i = 0; i < images; i++) {
      transform(staged + i * from.padded, columns, planes + i * from.tiles, from.plane, tileRows);
    }
    product(planes, weights, products, from.plane, to.plane, images * tilesPerImage);
    for (let i = 0; i < images; i++) {
      const image = start + i;
      finish(
        products + i * to.tiles,
        to.plane,
        tileRows,
        output.at(image) + offset,
        sums,
        a ? a.at(image) + offset : 0,
        b ? b.at(image) + offset : 0,
        c ? c.at(image) + offset : 0,
        coefficients,
        temporary,
      );
    }
  };
}
