// The first operation of a program: a byte image becomes the network's input, cropped, flipped and
// normalised. Images stay bytes until here; nothing of this is ever stored.
//
//     result[y][x][c] = pixel * factor[c] + bias[y][x][c],
//     pixel = source byte at (y + dy - p, x' + dx - p),  p = CROP_PADDING,
//     x' = width - 1 - x when flip is set, else x
//
// Pixels from outside are black *before* normalisation, so they become the bias; the zero border of
// the result is the convolution's own padding and is another thing. A bias for each place serves one
// mean a channel and one mean a pixel alike.

import { CROP_PADDING } from '../../../data/batches.ts';
import { IMAGE_CHANNELS } from '../../../data/dataset.ts';
import { f32, i32 } from '../assembler/instructions.ts';
import { assign, increment, loop, when } from '../assembler/module.ts';
import { defineKernel } from './kernel.ts';

/**
 * bytes: [H][W][3]. padded: base of a zero-bordered float image [H+2][W+2][3]; the border is not
 * written. dy, dx in 0…8, 4 = centred; flip 0 or 1. normalization: the program's buffer, floats
 * [3] factor, [H][W][3] bias.
 */
export const inputImage = defineKernel({
  name: 'inputImage',
  parameters: ['bytes', 'padded', 'dy', 'dx', 'flip', 'normalization'],
  generate: (_, declare, { height, width }: { height: number; width: number }) => {
    const { fn, bytes, padded, dy, dx, flip, normalization } = declare();
    const [y, x, sourceY, sourceX, inside, source, target, bias, pixel] = fn.locals('i32', 9);
    const channels = Array.from({ length: IMAGE_CHANNELS }, (_, c) => [
      assign(pixel, 0),
      when(inside, assign(pixel, i32.load8u(source, c))),
      f32.store(
        target,
        c * 4,
        f32.add(
          f32.mul(f32.convertI32U(pixel), f32.load(normalization, c * 4)),
          f32.load(bias, c * 4),
        ),
      ),
    ]);

    fn.body(
      assign(target, i32.add(padded, (width + 2 + 1) * IMAGE_CHANNELS * 4)),
      assign(bias, i32.add(normalization, IMAGE_CHANNELS * 4)),
      loop(y, 0, height, 1, [
        assign(sourceY, i32.sub(i32.add(y, dy), CROP_PADDING)),
        loop(x, 0, width, 1, [
          assign(sourceX, x),
          when(flip, assign(sourceX, i32.sub(width - 1, x))),
          assign(sourceX, i32.sub(i32.add(sourceX, dx), CROP_PADDING)),
          // Unsigned comparison: negative is large.
          assign(inside, i32.and(i32.ltU(sourceY, height), i32.ltU(sourceX, width))),
          assign(
            source,
            i32.add(bytes, i32.mul(i32.add(i32.mul(sourceY, width), sourceX), IMAGE_CHANNELS)),
          ),
          channels,
          increment(target, IMAGE_CHANNELS * 4),
          increment(bias, IMAGE_CHANNELS * 4),
        ]),
        increment(target, 2 * IMAGE_CHANNELS * 4),
      ]),
    );
  },
});
