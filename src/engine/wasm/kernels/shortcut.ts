// Option A shortcut between stages (He et al. 2015, section 4.2): every second pixel, with zeros for the
// channels that are new, half of them before and half after (as the reference implementation does).
//
//     shortcutGather      small[h][w][C/4 + c] = large[2h][2w][c], zeros elsewhere   (inference)
//     shortcutScatterAdd  large[2h][2w][c] += small[h][w][C/4 + c]                   (its gradient)
//
// In training the forward direction is part of staging ('normPadRelu').

import { f32x4, v128 } from '../assembler/instructions.ts';
import { increment, loop, set } from '../assembler/module.ts';
import type { Context } from './context.ts';
import { kernelName, type SpecOf } from './signatures.ts';

export function generateShortcut(context: Context, spec: SpecOf<'shortcutGather'>): void {
  const { height, width, channels } = spec;
  const largeChannels = channels / 2;
  const firstChannel = channels / 4;
  const vectors = largeChannels / 4;

  const fn = context.module.function(kernelName(spec));
  const [large, small] = fn.addresses(2);
  const [row, column] = fn.locals('i32', 2);
  const values = fn.locals('v128', vectors);
  const gradients = fn.locals('v128', vectors);
  const zero = fn.local('v128');

  const gather = [
    values.map((x, i) => set(x, v128.load(large, i * 16))),
    Array.from({ length: channels / 4 }, (_, i) => {
      const from = i - firstChannel / 4;
      return v128.store(small, i * 16, values[from] ?? zero);
    }),
  ];
  const scatter = [
    values.map((x, i) => set(x, v128.load(large, i * 16))),
    gradients.map((x, i) => set(x, v128.load(small, firstChannel * 4 + i * 16))),
    values.map((x, i) => v128.store(large, i * 16, f32x4.add(x, gradients[i]!))),
  ];
  fn.body(
    set(zero, v128.const(0)),
    loop(row!, 0, height, 1, [
      loop(column!, 0, width, 1, [
        spec.family === 'shortcutGather' ? gather : scatter,
        increment(large, 2 * largeChannels * 4),
        increment(small, channels * 4),
      ]),
      increment(large, 2 * width * largeChannels * 4),
    ]),
  );
}
