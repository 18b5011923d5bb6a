// Sums over a batch whose bits do not depend on threads. Kernels add float32 sums of one group of
// images; here they are added in float64 to the block's own slot, and when all blocks are done one
// thread adds the slots in the order of blocks.

import { blockCount } from './blocks.ts';
import { type Context, type NormAddresses, normAddresses, normSpec } from './context.ts';

export class BlockSums {
  /** Where kernels add their float32 sums. */
  readonly address: number;
  private readonly context: Context;
  private readonly channels: number;
  private readonly slots: number;
  private readonly stride: number;
  private readonly totals: NormAddresses;

  /** @param set 0 or 1: which of two sums that are taken in the same phase */
  constructor(context: Context, norm: number, set: 0 | 1) {
    this.context = context;
    this.channels = normSpec(context, norm).channels;
    this.address = context.scratch.sums[set];
    this.slots = context.sumSlots[set];
    this.stride = context.sumStride;
    this.totals = normAddresses(context, norm);
  }

  /** Empties a block's slot; before its first group. */
  clear(block: number): void {
    const at = (this.slots + block * this.stride) / 8;
    this.context.memory.f64.fill(0, at, at + 2 * this.channels);
  }

  /** Moves the sums of a group into the block's slot. */
  take(block: number): void {
    const { f32, f64 } = this.context.memory;
    const from = this.address / 4;
    const to = (this.slots + block * this.stride) / 8;
    for (let i = 0; i < 2 * this.channels; i++) {
      f64[to + i]! += f32[from + i] as number;
      f32[from + i] = 0;
    }
  }

  /** Adds the blocks of a batch into the norm's totals. */
  total(count: number, blockImages: number): void {
    const { f64 } = this.context.memory;
    const blocks = blockCount(count, blockImages);
    const totals = this.totals.totals / 8;
    for (let i = 0; i < 2 * this.channels; i++) {
      let sum = 0;
      for (let block = 0; block < blocks; block++) {
        sum += f64[(this.slots + block * this.stride) / 8 + i] as number;
      }
      f64[totals + i] = sum;
    }
  }
}
