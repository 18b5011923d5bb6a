// Which tile shapes a device may be measured with, and the one that is taken unmeasured. Where there are
// tensor cores, unmeasured weight gradients go to them and the products of convolutions do not: so it
// was fastest on an H100, whose other 3×3 products of 16 to 64 channels are too small for matrices.

import type { ConvolutionGeometry } from '../program.ts';
import type { TileChoice } from './context.ts';
import { matrixGradientTiles, matrixProductTiles } from './matrix-tiles.ts';
import { type MatrixUnit, matrixName } from './matrix-unit.ts';
import {
  type Direction,
  type GradientTile,
  gradientTiles,
  type ProductShape,
  type ProductTile,
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
  /** Tensor cores, for the shapes that are made of such matrices. */
  readonly matrices?: MatrixUnit;
  /** Does not offer such shapes without tensor cores. */
  readonly onlyMatrices?: boolean;
}

/** Tiles in the order in which they are worth measuring, the default first. */
export interface TileCandidates {
  /** Names what the candidates depend on: equal names, equal candidates. */
  readonly name: string;
  product(shape: ProductShape, direction: Direction): readonly ProductTile[];
  gradient(conv: ConvolutionGeometry): readonly GradientTile[];
}

export function tileCandidates(options: CandidateOptions = {}): TileCandidates {
  const { halfStaging = false, matrices, onlyMatrices } = options;
  const workgroupBytes = Math.min(options.workgroupBytes ?? WORKGROUP_BYTES, MOST_WORKGROUP_BYTES);
  return {
    name: [
      halfStaging ? 'half staging' : '',
      matrices
        ? `${onlyMatrices ? 'only ' : ''}${matrixName(matrices)}, ${workgroupBytes} bytes`
        : '',
    ]
      .filter((part) => part !== '')
      .join(', '),
    product(shape) {
      const onMatrices = spread(
        MOST.matrices,
        matrices ? matrixProductTiles(shape, matrices, workgroupBytes) : [],
      );
      if (onlyMatrices && onMatrices.length > 0) return onMatrices;
      return [
        ...spread(MOST.registers, productTiles(shape)),
        ...(halfStaging
          ? spread(MOST.halfStaging, productTiles(shape, WORKGROUP_BYTES, 'f16'))
          : []),
        ...onMatrices,
      ];
    },
    gradient(conv) {
      const onMatrices = spread(
        MOST.matrices,
        matrices ? matrixGradientTiles(conv, matrices, workgroupBytes) : [],
      );
      if (onlyMatrices && onMatrices.length > 0) return onMatrices;
      return [...onMatrices, ...spread(MOST.registers, gradientTiles(conv))];
    },
  };
}

/** At most so many of the tiles: the first, which is the default, then evenly over the list. */
function spread<Tile>(most: number, tiles: readonly Tile[]): readonly Tile[] {
  if (tiles.length <= most) return tiles;
  return Array.from({ length: most }, (_, i) => tiles[Math.floor((i * tiles.length) / most)]!);
}

/** The first candidate of each shape. */
export function defaultTiles(candidates: TileCandidates): TileChoice {
  const first = <Tile>(tiles: readonly Tile[], what: string): Tile => {
    const [tile] = tiles;
    if (!tile) throw new Error(`no tile for ${what}`);
    return tile;
  };
  return {
    product: (shape, direction) =>
      first(candidates.product(shape, direction), JSON.stringify(shape)),
    gradient: (conv) => first(candidates.gradient(conv), `the weight gradient of ${conv.name}`),
  };
}
