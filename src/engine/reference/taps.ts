// A convolution's loops, by its definition: y[n,i,j,o] = Σ x[n, s·i + a − p, s·j + b − p, c] · w[a,b,c,o],
// with zeros outside the map. Loops run over input pixels of one tap at a time.

import { convolutionWeights } from '../../nn/multiply-adds.ts';
import type { ConvolutionGeometry } from '../operations/operands.ts';
import { namedOf, type ReferenceState } from './state.ts';

/** Calls visit(input pixel, output pixel, tap) for every product of pixels, as flat pixel indices. */
export function forEachTap(
  conv: ConvolutionGeometry,
  count: number,
  visit: (inPixel: number, outPixel: number, tap: number) => void,
): void {
  const { kernel, stride, inSize, outSize } = conv;
  const padding = (kernel - 1) / 2;
  for (let n = 0; n < count; n++) {
    for (let row = 0; row < outSize; row++) {
      for (let column = 0; column < outSize; column++) {
        for (let tap = 0; tap < kernel * kernel; tap++) {
          const inRow = stride * row + Math.floor(tap / kernel) - padding;
          const inColumn = stride * column + (tap % kernel) - padding;
          if (inRow < 0 || inRow >= inSize || inColumn < 0 || inColumn >= inSize) continue;
          visit(
            (n * inSize + inRow) * inSize + inColumn,
            (n * outSize + row) * outSize + column,
            tap,
          );
        }
      }
    }
  }
}

/** The convolution of the first `count` images of x. */
export function convolve(
  conv: ConvolutionGeometry,
  count: number,
  x: Float64Array,
  weight: Float64Array,
): Float64Array {
  const { inChannels, outChannels, outSize } = conv;
  const y = new Float64Array(count * outSize * outSize * outChannels);
  forEachTap(conv, count, (inPixel, outPixel, tap) => {
    for (let c = 0; c < inChannels; c++) {
      const value = x[inPixel * inChannels + c]!;
      const row = (tap * inChannels + c) * outChannels;
      for (let o = 0; o < outChannels; o++) {
        y[outPixel * outChannels + o]! += value * weight[row + o]!;
      }
    }
  });
  return y;
}

/** A convolution's weight [kh][kw][in][out] among the parameters. */
export function weightOf(state: ReferenceState, conv: ConvolutionGeometry): Float64Array {
  const parameters = namedOf(state, 'parameters');
  return parameters.subarray(conv.weight, conv.weight + convolutionWeights(conv));
}
