// Input gradient of a stride-2 convolution, one image.
//
// 3×3: y[h][w] uses x[2h + kh - 1][2w + kw - 1], so an even input row 2j meets only kh = 1 (h = j) and
// an odd one, 2j+1, kh = 2 (h = j) and kh = 0 (h = j+1); columns likewise. The gradient is therefore
// four small stride-1 convolutions of dy, one for each parity (1×1, 1×2, 2×1 and 2×2 taps), each
// filling a quarter of dx: nine multiply-adds for four pixels instead of nine for each.
//
// 1×1 (projection): only even pixels are met; they are added to, since the 3×3 convolution of the same
// input writes its gradient first.

import { i32 } from '../assembler/instructions.ts';
import { call } from '../assembler/module.ts';
import { type ConvolutionShape, emitTapLoop } from './convolution.ts';
import { defineKernel } from './kernel.ts';
import { matrixTile } from './tiles.ts';

/** Kernel indices, in the order of increasing h, that meet input rows of each parity. */
export const PARITY_TAPS = [[1], [2, 0]] as const;

/** Of the forward convolution, whose stride is 2. */
type StridedShape = Omit<ConvolutionShape, 'stride'>;

/**
 * kernel 3: overwrites the dense input gradient; weights = parityWeights' result.
 * kernel 1: accumulates into the even pixels; weights = reverseWeights' result.
 * outputGradient: interior of a padded scratch image.
 */
export const stridedInputGradient = defineKernel({
  name: 'stridedInputGradient',
  parameters: ['outputGradient', 'weights', 'inputGradient'],
  generate: (context, declare, shape: StridedShape) => {
    const { kernel, height, width, inputChannels, outputChannels } = shape;
    const tile = matrixTile(context, 'stridedInputGradient', inputChannels);
    const gradientRow = (width / 2 + 2) * outputChannels;
    const common = {
      outputHeight: height / 2,
      outputWidth: width / 2,
      outputChannels: inputChannels,
      inputRow: gradientRow,
      inputRowStep: gradientRow,
      inputColumnStep: outputChannels,
      outputRow: 2 * width * inputChannels,
      outputPixel: 2 * inputChannels,
    };
    if (kernel === 1) {
      const whole = { ...common, tapRows: 1, taps: outputChannels, accumulates: true };
      const { fn, outputGradient: input, weights, inputGradient: output } = declare();
      emitTapLoop({ fn, input, weights, output }, context, whole, tile);
      return;
    }
    let weightOffset = 0;
    const parts = PARITY_TAPS.flatMap((rowTaps, row) =>
      PARITY_TAPS.map((columnTaps, column) => {
        const tapRows = rowTaps.length;
        const taps = columnTaps.length * outputChannels;
        const fn = context.module.function(`${context.name} parity=${row}${column}`);
        const [input, weights, output] = fn.addresses(3);
        const part = { ...common, tapRows, taps, accumulates: false };
        emitTapLoop({ fn, input, weights, output }, context, part, tile);
        const outputOffset = (row * width + column) * inputChannels * 4;
        const placed = { fn, weightOffset, outputOffset };
        weightOffset += tapRows * taps * inputChannels * 4;
        return placed;
      }),
    );
    const { fn, outputGradient, weights, inputGradient } = declare();
    fn.body(
      parts.map((part) =>
        call(
          part.fn,
          outputGradient,
          i32.add(weights, part.weightOffset),
          i32.add(inputGradient, part.outputOffset),
        ),
      ),
    );
  },
});
