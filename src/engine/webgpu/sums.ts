// What happens between staging operands in workgroup memory and having the results in variables, as pieces
// of WGSL. There are two ways: sums in the threads' registers, and products of matrices by subgroups
// (tensor cores); each exists for the two kinds of product, a convolution's and a weight gradient's.

import type { Exchange } from './reduce.ts';

/** What is done with the staged operands. */
export interface Sums {
  readonly declarations: string;
  /** Statements before the first chunk, after those of `productCode` but the results' variables. */
  readonly begin: string;
  /** Statement that stores `v`, vector `q` of the chunk's channels at pixel `p` of the patch. */
  readonly storePatch: string;
  /** Statement that stores a vec4f of weights: vector `n4` of row `tap · chunk + k`. */
  storeWeights(row: string, n4: string, value: string): string;
  /** Statements between two barriers: adds the products of one chunk. */
  readonly addChunk: string;
  /** Statements after the last chunk, which leave the results in their variables. */
  readonly finish: string;
  /** Room for sums over the threads, afterwards. */
  readonly exchange: Exchange;
}

/** What is done with a staged strip. */
export interface WeightSums {
  readonly declarations: string;
  /** Statements before the first strip. */
  readonly begin: string;
  /** Pixels of a staged row of dy; zeros behind the map's edge. */
  readonly dyColumns: number;
  /** Statements that store `v`, vector `q` of the block's channels at pixel `p` of the strip. */
  readonly storeX: string;
  readonly storeDy: string;
  /** Statements between two barriers: adds the products of one strip. */
  readonly addStrip: string;
  /** Statements that write the sums of all strips. */
  readonly finish: string;
}

/** Where a sum goes: u32 expressions, counted within the workgroup's block of channels. */
export interface WeightPlace {
  readonly tap: number;
  readonly inChannel: string;
  /** Vector of four output channels. */
  readonly outQuad: string;
}
