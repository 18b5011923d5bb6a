// Which tile shapes a device may be measured with, and the one that is taken unmeasured. Where there are
// tensor cores, weight gradients may go to them, unmeasured ones do, and the products of convolutions
// never: on an H100 those, 3×3 with 16 to 64 channels, are too small for matrices and were faster in
// registers, in float32 (docs/results/h100.md).

import type { ConvolutionGeometry } from '../program.ts';
import type { TileChoice } from './context.ts';
import { matrixGradientTiles } from './matrix-tiles.ts';
import { type MatrixUnit, matrixName } from './matrix-unit.ts';
import {
  type Direction,
  type GradientTile,
  gradientKey,
  gradientTiles,
  type ProductShape,
  type ProductTile,
  productKey,
  productTiles,
  WORKGROUP_BYTES,
} from './tiles.ts';

/** How many of the possible tiles are worth the time to measure. */
const MOST = { registers: 8, halfStaging: 2, matrices: 4 } as const;

/** A workgroup with more of it would leave room for too few others on the same processor. */
const MOST_WORKGROUP_BYTES = 32768;

export interface CandidateOptions {
  /** Workgroup memory of the device, for tiles on tensor cores. The others do with the portable 16 KiB. */
  readonly workgroupBytes?: number;
  /** Offers operands in half precision too; the device has `shader-f16`. */
  readonly halfStaging?: boolean;
  /** Tensor cores, for the weight gradients that are made of such matrices. */
  readonly matrices?: MatrixUnit;
}

/** Tiles in the order in which they are worth measuring, the default first. */
export interface TileCandidates {
  /** Names what the candidates depend on: equal names, equal candidates. */
  readonly name: string;
  product(shape: ProductShape, direction: Direction): readonly ProductTile[];
  gradient(conv: ConvolutionGeometry): readonly GradientTile[];
}

export function tileCandidates(options: CandidateOptions = {}): TileCandidates {
  const { halfStaging = false, matrices } = options;
  const workgroupBytes = Math.min(options.workgroupBytes ?? WORKGROUP_BYTES, MOST_WORKGROUP_BYTES);
  return {
    name: [
      ...(halfStaging ? ['half staging'] : []),
      ...(matrices ? [`weight gradients on ${matrixName(matrices)}, ${workgroupBytes} bytes`] : []),
    ].join(', '),
    product: (shape) => [
      ...spread(MOST.registers, productTiles(shape)),
      ...(halfStaging ? spread(MOST.halfStaging, productTiles(shape, 'f16')) : []),
    ],
    gradient: (conv) => [
      ...spread(MOST.matrices, matrices ? matrixGradientTiles(conv, matrices, workgroupBytes) : []),
      ...spread(MOST.registers, gradientTiles(conv)),
    ],
  };
}

/** At most so many of the tiles: the first, which is the default, then evenly over the list. */
function spread<Tile>(most: number, tiles: readonly Tile[]): readonly Tile[] {
  if (tiles.length <= most) return tiles;
  return Array.from({ length: most }, (_, i) => tiles[Math.floor((i * tiles.length) / most)]!);
}

/** One candidate for each shape, whose key says which shape it is. */
export function chooseTiles(
  candidates: TileCandidates,
  pick: <Tile extends object>(key: string, tiles: readonly Tile[]) => Tile,
): TileChoice {
  return {
    product: (shape, direction) =>
      pick(productKey(shape, direction), candidates.product(shape, direction)),
    gradient: (conv) => pick(gradientKey(conv), candidates.gradient(conv)),
  };
}

/** The first candidate of each shape. */
export function defaultTiles(candidates: TileCandidates): TileChoice {
  return chooseTiles(candidates, firstTile);
}

export function firstTile<Tile>(key: string, [tile]: readonly Tile[]): Tile {
  if (!tile) throw new Error(`no tile for ${key}`);
  return tile;
}
