// The tiled product behind a convolution's forward pass, inference and input gradient:
//
//   result[i, j, n] = Σ over taps (a, b) and channels k of operand[i·s + da, j·s + db, k] · W[a, b, k, n]
//
// A workgroup computes rows × columns pixels of one image for a block of channels n. For each chunk
// of channels k it stages a patch of the operand (made while it is read, see operands.ts) and the
// weights in workgroup memory; each thread then sums a small tile of pixels × channels in registers.
// A thread's pixels lie one below the other, so that rows loaded for one tap serve the next, and
// neighbouring threads read neighbouring pixels, which is free of bank conflicts.
//
// The input gradient with stride 2 is four such products, one for each parity of row and column of
// the result ("phases"), with 1, 2, 2 and 4 of the nine taps; they share one staged patch.

import type { ConvolutionGeometry } from '../program.ts';
import { type Direction, type ProductShape, type ProductTile, productThreads } from './tiles.ts';

/** One dimension's taps of a phase: weight tap `tap + i·tapStep` reads at `reach + i·reachStep`. */
export interface Taps {
  readonly count: number;
  readonly tap: number;
  readonly tapStep: number;
  readonly reach: number;
  readonly reachStep: number;
}

/** Where tap `i` (u32 expression) of a dimension reads. */
export function reachOf({ reach, reachStep }: Taps, i: string): string {
  const sign = reachStep < 0 ? '-' : '+';
  return `${reach}u ${sign} ${i} * ${Math.abs(reachStep)}u`;
}

export interface Phase {
  readonly rows: Taps;
  readonly columns: Taps;
  /** Parity of the result's rows and columns. */
  readonly row: number;
  readonly column: number;
}

export interface Product {
  readonly shape: ProductShape;
  readonly direction: Direction;
  readonly phases: readonly Phase[];
  /** Rows and columns of the operand before the first pixel's that its taps reach. */
  readonly padding: number;
  /** Distance of neighbouring results of one phase: 2 for a strided input gradient. */
  readonly resultStride: number;
}

export function forwardProduct(conv: ConvolutionGeometry): Product {
  const { kernel, stride, inChannels, outChannels, outSize } = conv;
  const taps = { count: kernel, tap: 0, tapStep: 1, reach: 0, reachStep: 1 };
  return {
    shape: { depth: inChannels, channels: outChannels, size: outSize, stride, kernel, phases: 1 },
    direction: 'forward',
    phases: [{ rows: taps, columns: taps, row: 0, column: 0 }],
    padding: (kernel - 1) / 2,
    resultStride: 1,
  };
}

export function inputGradientProduct(conv: ConvolutionGeometry): Product {
  const { kernel, stride, inChannels, outChannels, outSize } = conv;
  const shape = { depth: outChannels, channels: inChannels, size: outSize, stride: 1, kernel };
  if (stride === 1) {
    // result[r] = Σ_t dy[r − t + padding] · w[t]: the last tap reads first.
    const taps = { count: kernel, tap: 0, tapStep: 1, reach: kernel - 1, reachStep: -1 };
    return {
      shape: { ...shape, phases: 1 },
      direction: 'inputGradient',
      phases: [{ rows: taps, columns: taps, row: 0, column: 0 }],
      padding: (kernel - 1) / 2,
      resultStride: 1,
    };
  }
  // Row 2i + parity gets dy[i'] · w[t] where 2i' + t − padding = 2i + parity.
  const taps = [0, 1].map((parity): Taps => {
    if (kernel === 1) return { count: 1 - parity, tap: 0, tapStep: 1, reach: 0, reachStep: 1 };
    return parity === 0
      ? { count: 1, tap: 1, tapStep: 1, reach: 0, reachStep: 1 }
      : { count: 2, tap: 0, tapStep: 2, reach: 1, reachStep: -1 };
  }) as [Taps, Taps];
  const phases = [0, 1].flatMap((row) =>
    [0, 1].map((column) => ({ rows: taps[row]!, columns: taps[column]!, row, column })),
  );
  return {
    shape: { ...shape, phases: 4 },
    direction: 'inputGradient',
    phases,
    padding: 0,
    resultStride: 2,
  };
}

/** Where in the batch a workgroup works, and what its threads share of the tile. */
export interface ProductLayout {
  readonly threads: number;
  /** Threads that share channels: consecutive, one a column and group of rows. */
  readonly lanes: number;
  /** Tiles of an image, and blocks of channels; workgroup x is tile · blocks + block. */
  readonly tiles: number;
  readonly blocks: number;
}

export function productLayout({ shape }: Product, tile: ProductTile): ProductLayout {
  return {
    threads: productThreads(tile),
    lanes: (tile.rows * tile.columns) / tile.threadPixels,
    tiles: (shape.size / tile.rows) * (shape.size / tile.columns),
    blocks: shape.channels / tile.channels,
  };
}

/** Calls back for every vector of results of a thread. */
export function forEachResult(
  product: Product,
  tile: ProductTile,
  visit: (result: {
    /** The vec4f variable that holds it. */
    readonly name: string;
    readonly row: string;
    readonly column: string;
    /** Which of the thread's vectors of channels. */
    readonly quad: number;
  }) => string,
): string {
  const code: string[] = [];
  for (let quad = 0; quad < tile.threadQuads; quad++) {
    product.phases.forEach((phase, f) => {
      for (let pixel = 0; pixel < tile.threadPixels; pixel++) {
        const stride = product.resultStride;
        const row = `((tileRow + laneRow + ${pixel}u) * ${stride}u + ${phase.row}u)`;
        const column = `((tileColumn + laneColumn) * ${stride}u + ${phase.column}u)`;
        code.push(`{ ${visit({ name: resultName(f, pixel, quad), row, column, quad })} }`);
      }
    });
  }
  return code.join('\n');
}

/** Names of all results of one of a thread's vectors of channels. */
export function resultNames(product: Product, tile: ProductTile, quad: number): string[] {
  return product.phases.flatMap((_, f) =>
    Array.from({ length: tile.threadPixels }, (_, pixel) => resultName(f, pixel, quad)),
  );
}

export function resultName(phase: number, pixel: number, quad: number): string {
  return `sum${phase}_${pixel}_${quad}`;
}
