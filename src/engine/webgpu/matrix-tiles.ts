// Tile shapes for products on tensor cores: how pixels become rows of matrices, and which subgroup
// computes which of them.
//
// A matrix takes m pixels that are equally far from one another in the staged patch. Where a tile is
// a multiple of m pixels wide, these are m neighbours of one row. Where it is narrower (maps of 8 × 8
// and m = 16), the matrices run on over the ends of the rows: result pixel (r, c) is number r·pitch + c, with
// the patch's own pitch, so that its taps still lie where those of its neighbour lie, one pixel on. The
// results between two rows mean nothing and are left out; for 8 × 8 maps that is a fifth of the work.

import type { ConvolutionGeometry } from '../program.ts';
import { type MatrixUnit, scalarBytes } from './matrix-unit.ts';
import {
  EXCHANGED,
  type GradientTile,
  gradientThreads,
  type ProductMatrices,
  type ProductShape,
  type ProductTile,
  patchEdge,
  productThreads,
} from './tiles.ts';

/** Scalars between the starts of rows of `length`; 16 bytes is the alignment that loads need. */
function rowPitch(length: number, type: 'f16' | 'f32', spread: boolean): number {
  return length + (spread ? 16 / scalarBytes(type) : 0);
}

/** Where a product's operands and results lie in workgroup memory; distances count scalars. */
export interface ProductPlaces {
  /** Matrices take neighbours of one row; else they run on over the rows' ends. */
  readonly inRows: boolean;
  /** Numbers of result pixels from one row to the next. */
  readonly resultRow: number;
  /** Pixels from one row of the patch to the next. */
  readonly patchRow: number;
  readonly patchPitch: number;
  /** First scalar of the weights, which lie behind the patch. */
  readonly weights: number;
  readonly weightPitch: number;
  readonly resultPitch: number;
  readonly operands: number;
  readonly results: number;
}

export function productPlaces(shape: ProductShape, tile: ProductTile): ProductPlaces {
  const { unit, pixelGroups, pixels, spread } = matricesOf(tile);
  const inRows = tile.columns % unit.m === 0;
  const patchRow = patchEdge(shape, tile.columns);
  const resultRow = inRows ? tile.columns : patchRow;
  const numbers = inRows ? tile.rows * tile.columns : pixelGroups * pixels * unit.m;
  // The last matrix reads on behind the patch.
  const reach = patchEdge({ ...shape, stride: 1 }, 1) - 1;
  const patchPixels = Math.max(
    patchEdge(shape, tile.rows) * patchRow,
    inRows ? 0 : (numbers - 1) * shape.stride + reach * (patchRow + 1) + 1,
  );
  const patchPitch = rowPitch(tile.chunk, unit.element, spread);
  const weightPitch = rowPitch(tile.channels, unit.element, spread);
  const resultPitch = rowPitch(tile.channels, unit.result, true);
  const weights = patchPixels * patchPitch;
  return {
    inRows,
    resultRow,
    patchRow,
    patchPitch,
    weights,
    weightPitch,
    resultPitch,
    operands: weights + shape.kernel ** 2 * tile.chunk * weightPitch,
    results: Math.max(
      numbers * resultPitch,
      unit.result === 'f32' ? 4 * EXCHANGED * productThreads(tile) : 0,
    ),
  };
}

/** Bytes of workgroup memory. Sums over the threads use float32 results again. */
export function matrixProductBytes(shape: ProductShape, tile: ProductTile): number {
  const { element, result } = matricesOf(tile).unit;
  const { operands, results } = productPlaces(shape, tile);
  const exchanged = result === 'f16' ? 16 * EXCHANGED * productThreads(tile) : 0;
  return scalarBytes(element) * operands + scalarBytes(result) * results + exchanged;
}

function matricesOf(tile: ProductTile): ProductMatrices {
  if (!tile.matrices) throw new Error('this tile is not made of matrices');
  return tile.matrices;
}

/** The tiles worth measuring, the default first; none where the shape is not made of such matrices. */
export function matrixProductTiles(
  shape: ProductShape,
  unit: MatrixUnit,
  bytes: number,
): ProductTile[] {
  const tiles: ProductTile[] = [];
  const columns = Math.min(shape.size, 16);
  const chunks = [16, 32, 8].filter((k) => shape.depth % k === 0 && k % unit.k === 0);
  for (const subgroups of SUBGROUPS) {
    if (!isPossibleSize(subgroups * unit.subgroupSize)) continue;
    for (const channels of [32, 16, 64]) {
      if (shape.channels % channels !== 0 || channels % unit.n !== 0) continue;
      for (const rows of [8, 16, 4]) {
        if (shape.size % rows !== 0) continue;
        const edge = { rows, columns, channels };
        const share = shareMatrices(shape, edge, unit, subgroups);
        const threads = shareResults(shape, edge, subgroups * unit.subgroupSize);
        if (!share || !threads) continue;
        const tile = chunks
          .flatMap((chunk) =>
            [true, false].map((spread): ProductTile => {
              const matrices = { ...share, unit, spread };
              return { ...edge, ...threads, chunk, staging: unit.element, matrices };
            }),
          )
          .find((tile) => matrixProductBytes(shape, tile) <= bytes);
        if (tile) tiles.push(tile);
      }
    }
  }
  return tiles;
}

/** Subgroups of a workgroup. */
const SUBGROUPS = [4, 8, 2, 1] as const;

function isPossibleSize(threads: number): boolean {
  return threads >= 64 && threads <= 256;
}

/** f32 values of sums that a thread can hold beside the factors. */
const MOST_SUMS = 64;
/** Vectors of results that a thread finishes, of all phases. */
const MOST_RESULTS = 16;

type Edge = Pick<ProductTile, 'rows' | 'columns' | 'channels'>;

/** The split among subgroups that loads the fewest factors for a product, of those without waste. */
function shareMatrices(
  shape: ProductShape,
  { rows, columns, channels }: Edge,
  unit: MatrixUnit,
  subgroups: number,
): Omit<ProductMatrices, 'unit' | 'spread'> | undefined {
  const inRows = columns % unit.m === 0;
  const row = patchEdge(shape, columns);
  const ofPixels = inRows
    ? (rows * columns) / unit.m
    : Math.ceil(((rows - 1) * row + columns) / unit.m);
  const ofChannels = channels / unit.n;
  let best: Omit<ProductMatrices, 'unit' | 'spread'> | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (let channelGroups = 1; channelGroups <= subgroups; channelGroups *= 2) {
    if (subgroups % channelGroups !== 0 || ofChannels % channelGroups !== 0) continue;
    const pixelGroups = subgroups / channelGroups;
    const pixels = Math.ceil(ofPixels / pixelGroups);
    const perChannels = ofChannels / channelGroups;
    // Matrices of one subgroup lie below one another, in one column of matrices.
    if (inRows && (ofPixels % pixelGroups !== 0 || rows % pixels !== 0)) continue;
    if (pixelGroups > ofPixels) continue;
    const sums = (pixels * perChannels * shape.phases * unit.m * unit.n) / unit.subgroupSize;
    if (sums > MOST_SUMS) continue;
    const waste = (pixelGroups * pixels) / ofPixels;
    const loads = (waste * (pixels + perChannels)) / (pixels * perChannels);
    if (loads < fewest) {
      fewest = loads;
      best = { pixelGroups, channelGroups, pixels, channels: perChannels };
    }
  }
  return best;
}

/** How the threads share what is left to do with the results. */
function shareResults(
  shape: ProductShape,
  { rows, columns, channels }: Edge,
  threads: number,
): Pick<ProductTile, 'threadPixels' | 'threadQuads'> | undefined {
  const each = (rows * columns * (channels / 4)) / threads;
  if (!Number.isInteger(each) || each * shape.phases > MOST_RESULTS) return;
  for (const threadQuads of [1, 2, 4]) {
    const threadPixels = each / threadQuads;
    if (threadPixels >= 1 && rows % threadPixels === 0 && (channels / 4) % threadQuads === 0) {
      return { threadPixels, threadQuads };
    }
  }
  return;
}

/** Where a weight gradient's operands and results lie in workgroup memory; distances count scalars. */
export interface GradientPlaces {
  readonly inRows: boolean;
  /** Pixels of dy from one row to the next. Where matrices run over the rows' ends, dy is zero there. */
  readonly dyRow: number;
  readonly xRow: number;
  readonly xPitch: number;
  readonly dy: number;
  readonly dyPitch: number;
  /** Steps of k pixels in a strip. */
  readonly steps: number;
  readonly operands: number;
  readonly results: number;
}

export function gradientPlaces(conv: ConvolutionGeometry, tile: GradientTile): GradientPlaces {
  if (!tile.matrices) throw new Error('this tile is not made of matrices');
  const { unit, spread } = tile.matrices;
  const { kernel, stride, outSize } = conv;
  const inRows = outSize % unit.k === 0;
  const xRow = (outSize - 1) * stride + kernel;
  const dyRow = inRows ? outSize : xRow;
  const steps = Math.ceil(((tile.rows - 1) * dyRow + outSize) / unit.k);
  // The last step reads on behind both; nothing is written there, and workgroup memory begins as zero.
  const dyPixels = Math.max(tile.rows * dyRow, steps * unit.k);
  const xPixels = Math.max(
    ((tile.rows - 1) * stride + kernel) * xRow,
    inRows ? 0 : (steps * unit.k - 1) * stride + (kernel - 1) * (xRow + 1) + 1,
  );
  const xPitch = rowPitch(tile.inChannels, unit.element, spread);
  const dyPitch = rowPitch(tile.outChannels, unit.element, spread);
  const dy = xPixels * xPitch;
  const subgroups = gradientThreads(tile) / unit.subgroupSize;
  return {
    ...{ inRows, dyRow, xRow, xPitch, dy, dyPitch, steps },
    operands: dy + dyPixels * dyPitch,
    results: subgroups * unit.m * unit.n,
  };
}

/** The tiles worth measuring, the default first. */
export function matrixGradientTiles(
  conv: ConvolutionGeometry,
  unit: MatrixUnit,
  bytes: number,
): GradientTile[] {
  const tiles: GradientTile[] = [];
  for (const inChannels of [32, 16]) {
    if (conv.inChannels % inChannels !== 0 || inChannels % unit.m !== 0) continue;
    for (const outChannels of [32, 16, 64]) {
      if (conv.outChannels % outChannels !== 0 || outChannels % unit.n !== 0) continue;
      const blocks = (inChannels / unit.m) * (outChannels / unit.n);
      for (const rows of [4, 8]) {
        if (conv.outSize % rows !== 0) continue;
        for (const subgroups of SUBGROUPS) {
          if (subgroups % blocks !== 0 || !isPossibleSize(subgroups * unit.subgroupSize)) continue;
          const rowGroups = subgroups / blocks;
          const stripsPerGroup = Math.max(1, Math.floor(16 / rows));
          const edge = { inChannels, outChannels, rows, rowGroups, stripsPerGroup };
          const tile = [true, false]
            .map((spread): GradientTile => ({ ...edge, matrices: { unit, spread } }))
            .find((tile) => isPossibleGradient(conv, tile, bytes));
          if (tile) tiles.push(tile);
        }
      }
    }
  }
  return tiles;
}

function isPossibleGradient(conv: ConvolutionGeometry, tile: GradientTile, bytes: number): boolean {
  const { unit } = tile.matrices!;
  const { operands, results, steps } = gradientPlaces(conv, tile);
  return (
    tile.rowGroups <= steps &&
    (conv.kernel ** 2 * unit.m * unit.n) / unit.subgroupSize <= 2 * MOST_SUMS &&
    scalarBytes(unit.element) * operands + scalarBytes(unit.result) * results <= bytes
  );
}
