// Tile shapes: which part of an output one workgroup computes, and which part of that one thread.
// The defaults fit the limits that every WebGPU device has (256 threads, 16 KiB of workgroup memory).

import type { ConvolutionGeometry } from '../program.ts';
import type { MatrixUnit } from './matrix-unit.ts';

export const WORKGROUP_BYTES = 16384;

/**
 * How operands lie in workgroup memory. Half precision is half the bytes to read for each product, and
 * rounds the operands; products and sums are float32 either way.
 */
export type Staging = 'f32' | 'f16';

/** Vectors that each thread of a product gives to sums over the workgroup: at most Σdz and two Σdz·y. */
export const EXCHANGED = 3;

/** Tile of a convolution's product (forward and input gradient). */
export interface ProductTile {
  /** Pixels of a workgroup's tile; both divide the map. */
  readonly rows: number;
  readonly columns: number;
  /** Output channels of a workgroup. */
  readonly channels: number;
  /** Input channels staged at a time, a multiple of 4. */
  readonly chunk: number;
  /** Pixels, one below the other, and vectors of four channels of a thread. */
  readonly threadPixels: number;
  readonly threadQuads: number;
  readonly staging: Staging;
}

/** How subgroups multiply matrices for a weight gradient. */
interface GradientMatrices {
  readonly unit: MatrixUnit;
  /** Whether rows of operands are 16 bytes apart from one another, for the sake of memory banks. */
  readonly spread: boolean;
}

/** Tile of a weight gradient. */
export interface GradientTile {
  /** Weights of a workgroup: input channels × output channels, for every tap. */
  readonly inChannels: number;
  readonly outChannels: number;
  /** Rows of the output staged at a time; one such strip is a unit of work. */
  readonly rows: number;
  /** Groups of threads that share a strip's rows. */
  readonly rowGroups: number;
  /** Strips that one workgroup sums before it writes a partial result. */
  readonly stripsPerGroup: number;
  /** Subgroups multiply matrices; there is one for each pair of blocks of channels and row group. */
  readonly matrices?: GradientMatrices;
}

/** The input gradient's product stages its weights transposed. */
export type Direction = 'forward' | 'inputGradient';

/** What the two products of a convolution look like to the tile chooser. */
export interface ProductShape {
  /** Channels summed over, and produced. */
  readonly depth: number;
  readonly channels: number;
  /** Edge of the product's map: outputs, or for a strided input gradient one parity of them. */
  readonly size: number;
  /** Step of the operand between neighbouring pixels of the product. */
  readonly stride: number;
  readonly kernel: number;
  /** 4 for a strided input gradient, which computes all parities at once; else 1. */
  readonly phases: number;
}

/** Edge of the operand's patch under `pixels` pixels. */
export function patchEdge(shape: ProductShape, pixels: number): number {
  const reach = shape.phases > 1 ? (shape.kernel - 1) / 2 : shape.kernel - 1;
  return (pixels - 1) * shape.stride + reach + 1;
}

/** Vectors of workgroup memory: the operand's patch, then the weights. */
export function productVectors(shape: ProductShape, tile: ProductTile) {
  const patch = patchEdge(shape, tile.rows) * patchEdge(shape, tile.columns) * (tile.chunk / 4);
  const weights = shape.kernel ** 2 * tile.chunk * (tile.channels / 4);
  return { patch, all: patch + weights };
}

/** Bytes of workgroup memory. Sums over the threads use that of float32 operands again. */
export function productBytes(shape: ProductShape, tile: ProductTile): number {
  const { all } = productVectors(shape, tile);
  const exchanged = 16 * EXCHANGED * productThreads(tile);
  return tile.staging === 'f32' ? Math.max(16 * all, exchanged) : 8 * all + exchanged;
}

export function productThreads(tile: ProductTile): number {
  const { rows, columns, channels, threadPixels, threadQuads } = tile;
  return ((rows * columns) / threadPixels) * (channels / (4 * threadQuads));
}

/** The tiles worth measuring, the default first. */
export function productTiles(shape: ProductShape, staging: Staging = 'f32'): ProductTile[] {
  const tiles: ProductTile[] = [];
  const columns = Math.min(shape.size, 16);
  const pixels = shape.phases > 1 ? [2, 1] : shape.size > 8 ? [4, 8, 2] : [2, 4];
  const chunks = shape.depth % 4 === 0 ? [16, 8, 4].filter((k) => shape.depth % k === 0) : [4];
  for (const threadQuads of [1, 2]) {
    for (const threadPixels of pixels) {
      for (const channels of [32, 16, 64]) {
        for (const rows of [8, 16, 4]) {
          if (shape.channels % channels !== 0 || rows > shape.size) continue;
          // The largest chunk that fits.
          const tile = chunks
            .map((chunk) => ({
              rows,
              columns,
              channels,
              chunk,
              threadPixels,
              threadQuads,
              staging,
            }))
            .find((tile) => isPossible(shape, tile));
          if (tile) tiles.push(tile);
        }
      }
    }
  }
  return tiles;
}

function isPossible(shape: ProductShape, tile: ProductTile): boolean {
  const threads = productThreads(tile);
  return (
    tile.rows % tile.threadPixels === 0 &&
    Number.isInteger(threads) &&
    threads >= 64 &&
    threads <= 256 &&
    productBytes(shape, tile) <= WORKGROUP_BYTES
  );
}

export function gradientTileBytes(conv: ConvolutionGeometry, tile: GradientTile): number {
  const { kernel, stride, outSize } = conv;
  const patch =
    ((tile.rows - 1) * stride + kernel) * ((outSize - 1) * stride + kernel) * tile.inChannels;
  const exchanged =
    tile.rowGroups === 1 ? 0 : 4 * (gradientThreads(tile) / tile.rowGroups) * (tile.rowGroups - 1);
  return 4 * (patch + Math.max(tile.rows * outSize * tile.outChannels, exchanged));
}

export function gradientThreads(tile: GradientTile): number {
  const { inChannels, outChannels, rowGroups, matrices } = tile;
  if (!matrices) return inChannels * (outChannels / 4) * rowGroups;
  const { m, n, subgroupSize } = matrices.unit;
  return (inChannels / m) * (outChannels / n) * rowGroups * subgroupSize;
}

/** The tiles worth measuring, the default first. */
export function gradientTiles(conv: ConvolutionGeometry): GradientTile[] {
  const tiles: GradientTile[] = [];
  const ins = conv.inChannels % 4 !== 0 ? [4] : [16, 32, 8];
  for (const inChannels of ins) {
    if (inChannels > 4 && conv.inChannels % inChannels !== 0) continue;
    for (const outChannels of [32, 16, 64]) {
      if (conv.outChannels % outChannels !== 0) continue;
      for (const rows of [4, 2, 1]) {
        for (const rowGroups of [4, 2, 1]) {
          if (rows % rowGroups !== 0) continue;
          // As many strips a workgroup as make 64 rows: two images of 32, eight of 8.
          const stripsPerGroup = Math.max(1, Math.floor(16 / rows));
          const tile = { inChannels, outChannels, rows, rowGroups, stripsPerGroup };
          const threads = gradientThreads(tile);
          const fits = gradientTileBytes(conv, tile) <= WORKGROUP_BYTES;
          if (threads >= 32 && threads <= 256 && fits) tiles.push(tile);
        }
      }
    }
  }
  return tiles;
}

/** Names a choice of tile: kernels with the same key are the same but for their tile. */
export function productKey(shape: ProductShape, direction: Direction): string {
  const { depth, channels, size, stride, kernel, phases } = shape;
  return `${direction} ${depth}-${channels} ${size} k${kernel} s${stride} p${phases}`;
}

export function gradientKey(conv: ConvolutionGeometry): string {
  const { inChannels, outChannels, outSize, stride, kernel } = conv;
  return `weightGradient ${inChannels}-${outChannels} ${outSize} k${kernel} s${stride}`;
}
