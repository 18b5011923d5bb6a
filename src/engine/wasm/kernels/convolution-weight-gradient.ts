// Weight gradient of a direct convolution, one image:
//
//     dg[kh][kw][i][o] += Σ_h Σ_w  x[h*s + kh][w*s + kw][i] * dy[h][w][o]
//
// For a fixed kh the (kw, i) are contiguous in x, as in the forward pass. A band of output rows is
// finished before the next, so that x and dy come from L1 while the accumulators change.

import { i32 } from '../assembler/instructions.ts';
import { assign, increment, loop } from '../assembler/module.ts';
import type { ConvolutionShape } from './convolution.ts';
import { defineKernel } from './kernel.ts';
import { MatrixTile } from './matrix-tile.ts';
import { matrixTile } from './tiles.ts';

/**
 * Accumulates. input as for `convolution`; outputGradient is the *interior* of a padded scratch image
 * (also for kernel 1).
 */
export const convolutionWeightGradient = defineKernel({
  name: 'convolutionWeightGradient',
  parameters: ['input', 'outputGradient', 'weightGradient'],
  generate: (context, declare, shape: ConvolutionShape) => {
    const { kernel, stride, inputChannels, outputChannels } = shape;
    const taps = kernel * inputChannels;
    const outputHeight = shape.height / stride;
    const outputWidth = shape.width / stride;
    const inputRowBytes = (shape.width + kernel - 1) * inputChannels * 4;
    const inputPixelBytes = stride * inputChannels * 4;
    const gradientRowBytes = (outputWidth + 2) * outputChannels * 4;
    const gradientBytes = outputChannels * 4;
    const preferred = matrixTile(context, 'convolutionWeightGradient', outputChannels);
    let rows = preferred.rows;
    while (taps % rows !== 0) rows--;
    const tile = { rows, channels: preferred.channels };
    let band = Math.min(8, outputHeight);
    while (outputHeight % band !== 0) band--;
    const unroll = outputWidth % 4 === 0 ? 4 : 1;

    const { fn, input, outputGradient: gradient, weightGradient } = declare();
    const matrix = new MatrixTile(fn, context, tile);
    const [bandAt, kh, tap, block, h, w, result, inputRow, gradientRow, inputAt, gradientAt] =
      fn.locals('i32', 11);

    fn.body(
      loop(bandAt, 0, outputHeight, band, [
        loop(kh, 0, kernel, 1, [
          loop(tap, 0, taps, tile.rows, [
            loop(block, 0, gradientBytes, tile.channels * 4, [
              assign(
                result,
                i32.add(
                  i32.add(weightGradient, block),
                  i32.mul(i32.add(i32.mul(kh, taps), tap), gradientBytes),
                ),
              ),
              matrix.load(result, gradientBytes),
              assign(
                inputRow,
                i32.add(input, i32.add(i32.mul(kh, inputRowBytes), i32.shl(tap, 2))),
              ),
              assign(gradientRow, i32.add(gradient, block)),
              loop(h, 0, band, 1, [
                assign(inputAt, inputRow),
                assign(gradientAt, gradientRow),
                loop(w, 0, outputWidth, unroll, [
                  matrix.accumulate(unroll, inputAt, 4, inputPixelBytes, gradientAt, gradientBytes),
                  increment(gradientAt, unroll * gradientBytes),
                  increment(inputAt, unroll * inputPixelBytes),
                ]),
                increment(inputRow, stride * inputRowBytes),
                increment(gradientRow, gradientRowBytes),
              ]),
              matrix.store(result, gradientBytes),
            ]),
          ]),
        ]),
        increment(input, band * stride * inputRowBytes),
        increment(gradient, band * gradientRowBytes),
      ]),
    );
  },
});
