// What happens between staging operands of a weight gradient in workgroup memory and writing its sums, as
// pieces of WGSL. There are two ways: sums in the threads' registers (register-weight-sums.ts), and
// products of matrices by subgroups (matrix-weight-sums.ts).

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
