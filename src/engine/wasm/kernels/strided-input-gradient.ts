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
import type { Context } from './context.ts';
import { tapLoopFunction } from './convolution.ts';
import { kernelName, type StridedInputGradientSpec } from './signatures.ts';
import { matrixTile } from './tiles.ts';

/** Kernel indices, in the order of increasing h, that meet input rows of each parity. */
export const PARITY_TAPS = [[1], [2, 0]] as const;

export function generateStridedInputGradient(
  context: Context,
  spec: StridedInputGradientSpec,
): void {
  const { kernel, height, width, inputChannels, outputChannels } = spec;
  const tile = matrixTile(context, spec.family, spec.inputChannels);
  const gradientRow = (width / 2 + 2) * outputChannels;
  const shape = {
    outputHeight: height / 2,
    outputWidth: width / 2,
    outputChannels: inputChannels,
    inputRow: gradientRow,
    inputRowStep: gradientRow,
    inputColumnStep: outputChannels,
    outputRow: 2 * width * inputChannels,
    outputPixel: 2 * inputChannels,
  };
  const name = kernelName(spec);
  if (kernel === 1) {
    const whole = { ...shape, tapRows: 1, taps: outputChannels, accumulates: true };
    tapLoopFunction(context, name, whole, tile);
    return;
  }
  let weightOffset = 0;
  const parts = [0, 1, 2, 3].map((parity) => {
    const [row, column] = [parity >> 1, parity & 1];
    const tapRows = PARITY_TAPS[row]!.length;
    const taps = PARITY_TAPS[column]!.length * outputChannels;
    const part = { ...shape, tapRows, taps, accumulates: false };
    const offset = weightOffset;
    weightOffset += tapRows * taps * inputChannels * 4;
    return {
      fn: tapLoopFunction(context, `${name} parity=${row}${column}`, part, tile),
      weightOffset: offset,
      outputOffset: (row * width + column) * inputChannels * 4,
    };
  });
  const fn = context.module.function(name);
  const [gradient, weights, output] = fn.addresses(3);
  fn.body(
    parts.map((part) =>
      call(
        part.fn,
        gradient,
        i32.add(weights, part.weightOffset),
        i32.add(output, part.outputOffset),
      ),
    ),
  );
}
