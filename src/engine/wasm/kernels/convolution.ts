// Direct convolution of one image in NHWC:
//
//     y[h][w][o] = Σ_kh Σ_kw Σ_i  x[h*s + kh][w*s + kw][i] * g[kh][kw][i][o]     (x zero-bordered)
//
// For a fixed kh the taps (kw, i) are contiguous in both x and g, so the sum is over a few "tap rows"
// of kernel*in contiguous floats. The same loop, with other strides, computes the four parity
// convolutions of a strided input gradient (strided-input-gradient.ts).

import { i32 } from '../assembler/instructions.ts';
import { assign, type FunctionBuilder, increment, loop } from '../assembler/module.ts';
import type { Local } from '../assembler/value.ts';
import type { KernelOptions, Tile } from './context.ts';
import { defineKernel } from './kernel.ts';
import { MatrixTile } from './matrix-tile.ts';
import { matrixTile } from './tiles.ts';

/** Shape of the general loop; all lengths in floats. */
interface TapLoop {
  readonly tapRows: number;
  /** Contiguous floats of one tap row. */
  readonly taps: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly outputChannels: number;
  /** Between input rows, output rows' inputs and output columns' inputs. */
  readonly inputRow: number;
  readonly inputRowStep: number;
  readonly inputColumnStep: number;
  /** Between output rows and output pixels. */
  readonly outputRow: number;
  readonly outputPixel: number;
  /** Adds to the output instead of overwriting it. */
  readonly accumulates: boolean;
}

/** A function under construction with the parameters of a convolution. */
interface ConvolutionFunction {
  readonly fn: FunctionBuilder;
  readonly input: Local<'i32'>;
  readonly weights: Local<'i32'>;
  readonly output: Local<'i32'>;
}

/** Makes the loop the body of a function. */
export function emitTapLoop(
  { fn, input, weights, output }: ConvolutionFunction,
  options: KernelOptions,
  shape: TapLoop,
  tile: Tile,
): void {
  const { taps, outputChannels, outputPixel } = shape;
  const weightBytes = outputChannels * 4;
  const unroll = taps % 8 === 0 ? 8 : taps;
  let rows = tile.rows;
  while (shape.outputWidth % rows !== 0) rows--;

  const matrix = new MatrixTile(fn, options, { rows, channels: tile.channels });
  const [h, block, w, tapRow, tap, inputAt, tapRowAt, weightAt, outputAt, pixelAt] = fn.locals(
    'i32',
    10,
  );
  const steps = matrix.accumulate(
    unroll,
    inputAt,
    shape.inputColumnStep * 4,
    4,
    weightAt,
    weightBytes,
  );
  fn.body(
    loop(h, 0, shape.outputHeight, 1, [
      loop(block, 0, weightBytes, tile.channels * 4, [
        assign(pixelAt, input),
        assign(outputAt, i32.add(output, block)),
        loop(w, 0, shape.outputWidth, rows, [
          assign(weightAt, i32.add(weights, block)),
          assign(tapRowAt, pixelAt),
          shape.accumulates ? matrix.load(outputAt, outputPixel * 4) : matrix.clear(),
          loop(tapRow, 0, shape.tapRows, 1, [
            assign(inputAt, tapRowAt),
            loop(tap, 0, taps, unroll, [
              steps,
              increment(weightAt, unroll * weightBytes),
              increment(inputAt, unroll * 4),
            ]),
            increment(tapRowAt, shape.inputRow * 4),
          ]),
          matrix.store(outputAt, outputPixel * 4),
          increment(pixelAt, rows * shape.inputColumnStep * 4),
          increment(outputAt, rows * outputPixel * 4),
        ]),
      ]),
      increment(input, shape.inputRowStep * 4),
      increment(output, shape.outputRow * 4),
    ]),
  );
}

/** A convolution of one image, `kernel`×`kernel`, padding (kernel-1)/2. */
export interface ConvolutionShape {
  readonly kernel: 1 | 3;
  readonly stride: 1 | 2;
  /** Size of the input; the output is height/stride × width/stride. */
  readonly height: number;
  readonly width: number;
  readonly inputChannels: number;
  readonly outputChannels: number;
}

/**
 * kernel 3: input = padded image (not interior); kernel 1: input = dense image. output: dense image.
 * The stride-1 input gradient is this same kernel with in and out exchanged, the padded output
 * gradient as input and reverseWeights' result as weights.
 */
export const convolution = defineKernel({
  name: 'convolution',
  parameters: ['input', 'weights', 'output'],
  generate: (context, declare, shape: ConvolutionShape) => {
    const { kernel, stride, height, width, inputChannels, outputChannels } = shape;
    const inputRow = (width + kernel - 1) * inputChannels;
    const taps: TapLoop = {
      tapRows: kernel,
      taps: kernel * inputChannels,
      outputHeight: height / stride,
      outputWidth: width / stride,
      outputChannels,
      inputRow,
      inputRowStep: stride * inputRow,
      inputColumnStep: stride * inputChannels,
      outputRow: (width / stride) * outputChannels,
      outputPixel: outputChannels,
      accumulates: false,
    };
    emitTapLoop(declare(), context, taps, matrixTile(context, 'convolution', outputChannels));
  },
});
