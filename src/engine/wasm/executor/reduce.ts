// Weight gradients of all blocks are added in the order of blocks, after the backward pass, in slices that
// threads take.

import { BUFFER_ALIGNMENT } from '../../plan.ts';
import { sumPartials } from '../kernels/update.ts';
import { blockCount } from './blocks.ts';
import type { Context } from './context.ts';
import type { Tasks } from './schedule-types.ts';

/** Large enough to be worth a task, small enough to divide the largest layer. */
const SLICE_BYTES = 256 * BUFFER_ALIGNMENT;

/** A range of `bytes` in slices; from and length of one in bytes. */
export function slicesOf(bytes: number) {
  return {
    count: Math.ceil(bytes / SLICE_BYTES),
    from: (slice: number) => slice * SLICE_BYTES,
    length: (slice: number) => Math.min(SLICE_BYTES, bytes - slice * SLICE_BYTES),
  };
}

/** destination = Σ over blocks, in their order, of `bytes` at slot + block * stride. */
export function sumGradients(
  context: Context,
  destination: number,
  slot: number,
  bytes: number,
): Tasks {
  const sum = context.kernel(sumPartials());
  const { blockImages, gradientStride } = context;
  const slices = slicesOf(bytes);
  return {
    tasks: () => slices.count,
    run: (task, count) => {
      const from = slices.from(task);
      const blocks = blockCount(count, blockImages);
      sum(destination + from, slot + from, slices.length(task), gradientStride, blocks);
    },
  };
}
