// The inner loop of every matrix kernel: a tile of accumulators in registers,
//
//     acc[row][channel] += x[row] * w[channel],
//
// with x[row] one float spread over a register and w a row of weights. Rows × channels is chosen so
// that the accumulators and a row of weights fit the register file (tiles.ts).

import { v128 } from '../assembler/instructions.ts';
import { type FunctionBuilder, set } from '../assembler/module.ts';
import type { Code, I32, Local } from '../assembler/value.ts';
import { type KernelOptions, multiplyAdd, type Tile, zip } from './context.ts';

export class MatrixTile {
  private readonly options: KernelOptions;
  private readonly accumulators: readonly (readonly Local<'v128'>[])[];
  private readonly weights: readonly Local<'v128'>[];
  private readonly spread: Local<'v128'>;

  constructor(fn: FunctionBuilder, options: KernelOptions, tile: Tile) {
    const vectors = tile.channels / 4;
    this.options = options;
    this.accumulators = Array.from({ length: tile.rows }, () => fn.locals('v128', vectors));
    this.weights = fn.locals('v128', vectors);
    this.spread = fn.local('v128');
  }

  clear(): Code {
    return this.accumulators.map((row) => row.map((acc) => set(acc, v128.const(0))));
  }

  /** Reads the accumulators from memory, rows `rowBytes` apart. */
  load(address: I32, rowBytes: number): Code {
    return this.accumulators.map((row, r) =>
      row.map((acc, j) => set(acc, v128.load(address, r * rowBytes + j * 16))),
    );
  }

  /** Upper vectors first, as storeWide does; adjacent ones (the default) become 256-bit stores. */
  store(address: I32, rowBytes: number, vectorBytes = 16): Code {
    return this.accumulators.map((row, r) =>
      row.map((acc, j) => v128.store(address, r * rowBytes + j * vectorBytes, acc)).reverse(),
    );
  }

  /**
   * `steps` multiply-adds unrolled: step s takes weights at weightAt + s*weightBytes and row r's value
   * at inputAt + r*rowBytes + s*stepBytes.
   */
  accumulate(
    steps: number,
    inputAt: I32,
    rowBytes: number,
    stepBytes: number,
    weightAt: I32,
    weightBytes: number,
  ): Code {
    return Array.from({ length: steps }, (_, s) => [
      this.weights.map((w, j) => set(w, v128.load(weightAt, s * weightBytes + j * 16))),
      this.accumulators.map((row, r) => [
        set(this.spread, v128.load32Splat(inputAt, r * rowBytes + s * stepBytes)),
        zip(row, this.weights).map(([acc, weight]) =>
          set(acc, multiplyAdd(this.options, this.spread, weight, acc)),
        ),
      ]),
    ]);
  }
}
