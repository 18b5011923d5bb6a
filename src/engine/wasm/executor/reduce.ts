// What follows the backward pass: weight gradients of all blocks are added in the order of blocks,
// and SGD updates the parameters. Both are cut into slices that threads take.

import { BUFFER_ALIGNMENT } from '../../plan.ts';
import { blockCount } from './blocks.ts';
import type { Context } from './context.ts';
import type { Contribution } from './schedule-types.ts';

/** Large enough to be worth a task, small enough to divide the largest layer. */
const SLICE_BYTES = 256 * BUFFER_ALIGNMENT;

/** destination = Σ over blocks, in their order, of `bytes` at slot + block * stride. */
export function sumGradients(
  context: Context,
  destination: number,
  slot: number,
  bytes: number,
): NonNullable<Contribution['after']> {
  const sum = context.kernel({ family: 'sumPartials' });
  const { blockImages, gradientStride } = context;
  return {
    tasks: () => Math.ceil(bytes / SLICE_BYTES),
    run: (task, count) => {
      const from = task * SLICE_BYTES;
      const length = Math.min(SLICE_BYTES, bytes - from);
      const blocks = blockCount(count, blockImages);
      sum(destination + from, slot + from, length, gradientStride, blocks);
    },
  };
}

/**
 * v = m·v + (g + λ·w); w = w − rate·v, unless the batch came without SGD settings.
 * @param first the first parameter that is trained
 */
export function sgd(context: Context, first: number): NonNullable<Contribution['after']> {
  const { buffers, named } = context.program;
  const bytes = (buffers[named.parameters]!.elements - first) * 4;
  const parameters = context.flat(named.parameters) + first * 4;
  const gradients = context.flat(named.gradients) + first * 4;
  const momentum = context.flat(named.momentum) + first * 4;
  const update = context.kernel({ family: 'sgdUpdate' });
  return {
    tasks: () => (context.step.settings.sgd ? Math.ceil(bytes / SLICE_BYTES) : 0),
    run: (task) => {
      const { sgd: settings } = context.step.settings;
      if (!settings) return;
      const from = task * SLICE_BYTES;
      update(
        parameters + from,
        gradients + from,
        momentum + from,
        Math.min(SLICE_BYTES, bytes - from),
        settings.learningRate,
        settings.momentum,
        settings.weightDecay,
      );
    },
  };
}
