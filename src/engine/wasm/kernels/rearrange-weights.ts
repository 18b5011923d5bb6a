// Weights for input gradients. The gradient of a correlation with g is the correlation with g turned
// by 180° and transposed between input and output channels, so the same kernels serve both passes.

import { f32, i32 } from '../assembler/instructions.ts';
import { assign, type FunctionBuilder, increment, loop } from '../assembler/module.ts';
import type { Local } from '../assembler/value.ts';
import type { ConvolutionShape } from './convolution.ts';
import { defineKernel } from './kernel.ts';
import { PARITY_TAPS } from './strided-input-gradient.ts';

/** kernel: 3, or 1 for a projection (`reverseWeights` only: a transpose). */
type WeightShape = Pick<ConvolutionShape, 'kernel' | 'inputChannels' | 'outputChannels'>;

/** [kh][kw][in][out] to [k-1-kh][k-1-kw][out][in]: weights of the stride-1 input gradient. */
export const reverseWeights = defineKernel({
  name: 'reverseWeights',
  parameters: ['weights', 'reversed'],
  generate: (_, declare, shape: WeightShape) => {
    const { fn, weights, reversed } = declare();
    const count = shape.kernel ** 2;
    const order = Array.from({ length: count }, (_, k) => count - 1 - k);
    transposeAll(fn, weights, reversed, order, shape);
  },
});

/** The nine [in][out] matrices transposed and ordered by parity class, for stridedInputGradient. */
export const parityWeights = defineKernel({
  name: 'parityWeights',
  parameters: ['weights', 'reordered'],
  generate: (_, declare, shape: WeightShape) => {
    const { fn, weights, reordered } = declare();
    const order = PARITY_TAPS.flatMap((rows) =>
      PARITY_TAPS.flatMap((columns) => rows.flatMap((kh) => columns.map((kw) => kh * 3 + kw))),
    );
    transposeAll(fn, weights, reordered, order, shape);
  },
});

/** Transposes the [in][out] matrices of the weights, one after another in the given order. */
function transposeAll(
  fn: FunctionBuilder,
  weights: Local<'i32'>,
  target: Local<'i32'>,
  order: readonly number[],
  { inputChannels, outputChannels }: WeightShape,
): void {
  const matrixBytes = inputChannels * outputChannels * 4;
  const [i, o, row, at] = fn.locals('i32', 4);
  fn.body(
    order.map((k) => [
      loop(i, 0, inputChannels * 4, 4, [
        assign(row, i32.add(i32.add(weights, k * matrixBytes), i32.mul(i, outputChannels))),
        assign(at, i32.add(target, i)),
        loop(o, 0, outputChannels, 1, [
          f32.store(at, 0, f32.load(row)),
          increment(row, 4),
          increment(at, inputChannels * 4),
        ]),
      ]),
      increment(target, matrixBytes),
    ]),
  );
}
