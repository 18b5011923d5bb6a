// Option A shortcut between stages (He et al. 2015, section 4.2): every second pixel, with zeros for the
// channels that are new: half of them before and half after, as the reference implementation does, or all of
// them after.
// In training the forward direction is part of staging ('normPadRelu'). The kernels' shape is that of the
// smaller, deeper side.

import { f32x4, v128 } from '../assembler/instructions.ts';
import { type FunctionBuilder, increment, loop, set } from '../assembler/module.ts';
import type { Code, Local } from '../assembler/value.ts';
import { zip } from './context.ts';
import type { ImageShape } from './image.ts';
import { defineKernel } from './kernel.ts';

/** Of the smaller side, and how many of its channels lie before those of the larger one. */
interface ShortcutShape extends ImageShape {
  readonly before: number;
}

/** Inference: small[h][w][before + c] = large[2h][2w][c], zeros elsewhere. */
export const shortcutGather = defineKernel({
  name: 'shortcutGather',
  parameters: ['large', 'small'],
  generate: (_, declare, shape: ShortcutShape) => {
    const { fn, large, small } = declare();
    everySecondPixel(fn, large, small, shape, ({ values, zero }) => [
      values.map((x, i) => set(x, v128.load(large, i * 16))),
      Array.from({ length: shape.channels / 4 }, (_, i) => {
        const from = i - shape.before / 4;
        return v128.store(small, i * 16, values[from] ?? zero);
      }),
    ]);
  },
});

/** Its adjoint: large[2h][2w][c] += small[h][w][before + c]. */
export const shortcutScatterAdd = defineKernel({
  name: 'shortcutScatterAdd',
  parameters: ['large', 'small'],
  generate: (_, declare, shape: ShortcutShape) => {
    const { fn, large, small } = declare();
    everySecondPixel(fn, large, small, shape, ({ values, gradients }) => [
      values.map((x, i) => set(x, v128.load(large, i * 16))),
      gradients.map((x, i) => set(x, v128.load(small, shape.before * 4 + i * 16))),
      zip(values, gradients).map(([x, dx], i) => v128.store(large, i * 16, f32x4.add(x, dx))),
    ]);
  },
});

interface PixelLocals {
  readonly values: readonly Local<'v128'>[];
  readonly gradients: readonly Local<'v128'>[];
  readonly zero: Local<'v128'>;
}

/** Goes through the small image's pixels and the large one's even ones together. */
function everySecondPixel(
  fn: FunctionBuilder,
  large: Local<'i32'>,
  small: Local<'i32'>,
  { height, width, channels }: ImageShape,
  pixel: (locals: PixelLocals) => Code,
): void {
  const largeChannels = channels / 2;
  const [row, column] = fn.locals('i32', 2);
  const values = fn.locals('v128', largeChannels / 4);
  const gradients = fn.locals('v128', largeChannels / 4);
  const zero = fn.local('v128');
  fn.body(
    set(zero, v128.const(0)),
    loop(row, 0, height, 1, [
      loop(column, 0, width, 1, [
        pixel({ values, gradients, zero }),
        increment(large, 2 * largeChannels * 4),
        increment(small, channels * 4),
      ]),
      increment(large, 2 * width * largeChannels * 4),
    ]),
  );
}
