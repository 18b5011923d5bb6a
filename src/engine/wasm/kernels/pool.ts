// Global average pooling, and its backward with the ReLU mask of the last block.

import { f32, f32x4, i32, v128 } from '../assembler/instructions.ts';
import { assign, increment, loop, set } from '../assembler/module.ts';
import { loadWide, multiplyAdd, setWide, storeWide, WIDE, wides } from './context.ts';
import type { ImageShape } from './image.ts';
import { defineKernel } from './kernel.ts';

/** pooled[c] = 1/(H W) Σ_hw image[h][w][c], of one dense image. */
export const averagePool = defineKernel({
  name: 'averagePool',
  parameters: ['image', 'pooled'],
  generate: (_, declare, { height, width, channels }: ImageShape) => {
    const { fn, image, pooled } = declare();
    const [offset, pixel, at] = fn.locals('i32', 3);
    const [sum, x] = wides(fn, 2);
    const share = fn.local('v128');
    fn.body(
      set(share, f32x4.splat(f32.const(1 / (height * width)))),
      loop(offset, 0, channels * 4, WIDE, [
        assign(at, i32.add(image, offset)),
        setWide(sum, () => v128.const(0)),
        loop(pixel, 0, height * width, 1, [
          loadWide(x, at),
          setWide(sum, (h) => f32x4.add(sum[h], x[h])),
          increment(at, channels * 4),
        ]),
        setWide(sum, (h) => f32x4.mul(sum[h], share)),
        storeWide(i32.add(pooled, offset), 0, sum),
      ]),
    );
  },
});

/**
 * Backward of relu, then average pool: dz[h][w][c] = gradient[c]/(H W) where the block's output b > 0,
 * else 0. Stores dense dz at `output`; sums Σdz, Σdz*a (a = convolution output).
 */
export const averagePoolGradient = defineKernel({
  name: 'averagePoolGradient',
  parameters: ['gradient', 'output', 'sums', 'a', 'b'],
  generate: (context, declare, { height, width, channels }: ImageShape) => {
    const pixelBytes = channels * 4;
    const { fn, gradient, output, sums, a, b } = declare();
    const [offset, pixel, outputAt, aAt, bAt, sumsAt] = fn.locals('i32', 6);
    const [share, x, y, dz, first, second] = wides(fn, 6);
    const zero = fn.local('v128');
    const factor = fn.local('v128');
    fn.body(
      set(zero, v128.const(0)),
      set(factor, f32x4.splat(f32.const(1 / (height * width)))),
      loop(offset, 0, pixelBytes, WIDE, [
        loadWide(share, i32.add(gradient, offset)),
        setWide(share, (h) => f32x4.mul(share[h], factor)),
        assign(sumsAt, i32.add(sums, offset)),
        loadWide(first, sumsAt, 0),
        loadWide(second, sumsAt, pixelBytes),
        assign(outputAt, i32.add(output, offset)),
        assign(aAt, i32.add(a, offset)),
        assign(bAt, i32.add(b, offset)),
        loop(pixel, 0, height * width, 1, [
          loadWide(x, bAt),
          loadWide(y, aAt),
          setWide(dz, (h) => v128.and(share[h], f32x4.gt(x[h], zero))),
          setWide(first, (h) => f32x4.add(first[h], dz[h])),
          setWide(second, (h) => multiplyAdd(context, dz[h], y[h], second[h])),
          storeWide(outputAt, 0, dz),
          increment(outputAt, pixelBytes),
          increment(aAt, pixelBytes),
          increment(bAt, pixelBytes),
        ]),
        storeWide(sumsAt, 0, first),
        storeWide(sumsAt, pixelBytes, second),
      ]),
    );
  },
});
