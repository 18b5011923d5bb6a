// How a batch is cut into blocks: the unit of work that a thread takes, and of every sum. The sizes
// depend on the batch size and the shapes alone.

import type { ConvolutionGeometry } from '../../program.ts';
import { type WinogradTile, winogradBlock } from '../kernels/winograd/layout.ts';

/** Blocks of a full batch where each costs a partial weight gradient. */
const GRADIENT_BLOCKS = 16;
/** Finer blocks where they cost nothing, so that threads finish closer together. */
const FORWARD_BLOCKS = 32;
/** No batch is cut into more blocks than this. */
export const MOST_BLOCKS = FORWARD_BLOCKS;
/** Images whose activations all fit in a core's own cache. */
const INFERENCE_IMAGES = 8;

/** Images in a block of the backward pass and the head. */
export function gradientBlock(batchSize: number): number {
  return Math.ceil(batchSize / GRADIENT_BLOCKS);
}

/** Images in a block that goes through the whole network without meeting the others. */
export function inferenceBlock(batchSize: number): number {
  return Math.min(INFERENCE_IMAGES, gradientBlock(batchSize));
}

/** Images in a block of a forward convolution; at least a full group of Winograd tiles. */
export function forwardBlock(
  batchSize: number,
  conv: ConvolutionGeometry,
  tile: WinogradTile | null,
): number {
  const group = usesWinograd(conv, tile) ? winogradBlock(tile, conv.inSize, conv.inSize).images : 1;
  return Math.min(gradientBlock(batchSize), Math.max(group, Math.ceil(batchSize / FORWARD_BLOCKS)));
}

/** Number of blocks that hold `count` images. */
export function blockCount(count: number, blockImages: number): number {
  return Math.ceil(count / blockImages);
}

/** Whether Winograd's algorithm applies: 3×3, stride 1, whole tiles and vectors. */
export function usesWinograd(
  conv: ConvolutionGeometry,
  tile: WinogradTile | null,
): tile is WinogradTile {
  return (
    tile !== null &&
    conv.kernel === 3 &&
    conv.stride === 1 &&
    conv.inChannels % 8 === 0 &&
    conv.outSize % tile === 0
  );
}
