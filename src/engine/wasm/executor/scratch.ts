// Each thread's own memory: images being staged, transformed tiles, temporaries. Its size is the
// largest that any convolution needs, not the sum, so it does not grow with depth and stays in the
// core's cache.

import { convolutionWeights } from '../../../nn/multiply-adds.ts';
import { align } from '../../plan.ts';
import type { ConvolutionGeometry, Program } from '../../program.ts';
import { paddedBytes } from '../kernels/image.ts';
import {
  type WinogradTile,
  winogradBlock,
  winogradColumnsBytes,
  winogradOutputBytes,
  winogradPlanes,
  winogradPlanesBytes,
} from '../kernels/winograd/layout.ts';
import type { Arena } from './arena.ts';
import { usesWinograd } from './blocks.ts';

export interface Scratch {
  /** Zero-bordered images of a shape; two sets, for input and for output gradient. */
  padded(role: 'input' | 'gradient', size: number, channels: number): number;
  /** Transformed input (V). */
  readonly input: number;
  /** Transformed output gradient (W), or products (M): never both at a time. */
  readonly products: number;
  /** Transformed weight gradient (dU) of one block. */
  readonly weightGradient: number;
  /** Reversed weights on their way to the transform. */
  readonly weights: number;
  /** Half-transformed tiles. */
  readonly columns: number;
  readonly output: number;
  /** One dense image, of the largest shape. */
  readonly image: number;
  readonly imageBytes: number;
  /** One dense result, where its place still holds an operand of the epilogue. */
  readonly result: number;
  /** Float32 sums of one group, [Σ first][Σ second]; two sets. */
  readonly sums: readonly [number, number];
}

/** Images whose tiles make one matrix product. */
export function groupImages(tile: WinogradTile, size: number, blockImages: number): number {
  return Math.min(winogradBlock(tile, size, size).images, blockImages);
}

/** Every convolution of the program. */
export function convolutionsOf(program: Program): ConvolutionGeometry[] {
  return program.body.flatMap((operation) => ('conv' in operation ? [operation.conv] : []));
}

/** Lays out one thread's scratch. `blockImages`: the largest block. */
export function layOutScratch(
  arena: Arena,
  program: Program,
  tile: WinogradTile | null,
  blockImages: number,
): Scratch {
  const convolutions = convolutionsOf(program);
  const need = {
    input: 0,
    products: 0,
    weightGradient: 0,
    weights: 0,
    columns: 0,
    output: 0,
    image: 0,
    result: 0,
    sums: 0,
  };
  const grow = (key: keyof typeof need, bytes: number): void => {
    need[key] = Math.max(need[key], bytes);
  };
  const shapes = new Map<string, { bytes: number; images: number }>();
  const stage = (size: number, channels: number, images: number): void => {
    const key = shapeKey(size, channels);
    const known = shapes.get(key)?.images ?? 0;
    shapes.set(key, { bytes: paddedBytes(size, size, channels), images: Math.max(known, images) });
  };
  for (const conv of convolutions) {
    const { inChannels, outChannels, inSize, outSize } = conv;
    const channels = Math.max(inChannels, outChannels);
    const winograd = usesWinograd(conv, tile);
    const images = winograd ? groupImages(tile, outSize, blockImages) : 1;
    stage(inSize, inChannels, images);
    stage(outSize, outChannels, images);
    grow('sums', 2 * channels * 4);
    grow('image', Math.max(inSize * inSize * inChannels, outSize * outSize * outChannels) * 4);
    grow('result', inSize * inSize * inChannels * 4);
    if (!winograd) continue;
    const { tiles } = winogradBlock(tile, outSize, outSize);
    grow('input', winogradPlanesBytes(tile, tiles, channels));
    grow('products', winogradPlanesBytes(tile, tiles, channels));
    grow('columns', winogradColumnsBytes(tile, outSize, channels));
    grow('output', winogradOutputBytes(tile, outSize, channels));
    if (program.mode === 'train') {
      grow('weightGradient', winogradPlanes(tile) * inChannels * outChannels * 4);
      grow('weights', convolutionWeights(conv) * 4);
    }
  }
  const addresses = new Map<string, number>();
  for (const [key, { bytes, images }] of shapes) {
    for (const role of program.mode === 'train' ? ['input', 'gradient'] : ['input']) {
      addresses.set(`${role} ${key}`, arena.allocate(bytes * images));
    }
  }
  const { sums, ...single } = need;
  const allocated = {} as Record<keyof typeof single, number>;
  for (const key of Object.keys(single) as (keyof typeof single)[]) {
    // A line of skew between the big ones keeps them out of each other's cache sets.
    allocated[key] = arena.allocate(align(single[key]) + 128);
  }
  return {
    ...allocated,
    imageBytes: align(need.image),
    sums: [arena.allocate(sums), arena.allocate(sums)],
    padded: (role, size, channels) => {
      const address = addresses.get(`${role} ${shapeKey(size, channels)}`);
      if (address === undefined) throw new Error(`no scratch image ${size} × ${channels}`);
      return address;
    },
  };
}

function shapeKey(size: number, channels: number): string {
  return `${size} ${channels}`;
}
