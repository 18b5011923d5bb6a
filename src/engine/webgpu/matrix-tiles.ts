// Tile shapes for weight gradients on tensor cores: how pixels become rows and columns of matrices.
//
// A matrix takes k pixels that are equally far from one another in the staged strips of x and dy. Where a
// row is a multiple of k pixels, these are k neighbours of one row. Where it is shorter (maps of 8 × 8
// and k = 16), the matrices run on over the ends of the rows, with the pitch of x's strip, so that each
// tap still lies one pixel on; dy is zero between two rows. For 8 × 8 maps that is a fifth of the work.

import type { ConvolutionGeometry } from '../program.ts';
import { type MatrixUnit, scalarBytes } from './matrix-unit.ts';
import { type GradientTile, gradientThreads } from './tiles.ts';

/** Subgroups of a workgroup. */
const SUBGROUPS = [4, 8, 2, 1] as const;

/** f32 values of sums that a thread can hold. */
const MOST_SUMS = 128;

/** Scalars between the starts of rows of `length`; 16 bytes is the alignment that loads need. */
function rowPitch(length: number, type: 'f16' | 'f32', spread: boolean): number {
  return length + (spread ? 16 / scalarBytes(type) : 0);
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

/** Bytes of workgroup memory. */
export function matrixGradientBytes(conv: ConvolutionGeometry, tile: GradientTile): number {
  const { element, result } = tile.matrices!.unit;
  const { operands, results } = gradientPlaces(conv, tile);
  return scalarBytes(element) * operands + scalarBytes(result) * results;
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

function isPossibleSize(threads: number): boolean {
  return threads >= 64 && threads <= 256;
}

function isPossibleGradient(conv: ConvolutionGeometry, tile: GradientTile, bytes: number): boolean {
  const { unit } = tile.matrices!;
  return (
    tile.rowGroups <= gradientPlaces(conv, tile).steps &&
    (conv.kernel ** 2 * unit.m * unit.n) / unit.subgroupSize <= MOST_SUMS &&
    matrixGradientBytes(conv, tile) <= bytes
  );
}
