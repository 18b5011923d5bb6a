// The two adjoints of convolution: the gradients of its weight and of its input.

import type { ConvolutionBackward } from '../../operations/convolution-backward.ts';
import type {
  ConvolutionGeometry,
  OutputGradient,
  ShortcutGradient,
} from '../../operations/operands.ts';
import { gateValue, materialize } from '../activation.ts';
import { accumulateGradientSums } from '../gradient-sums.ts';
import { bufferOf, namedOf, normOf, type ReferenceState } from '../state.ts';
import { forEachTap, weightOf } from '../taps.ts';

export function convolutionBackward(state: ReferenceState, operation: ConvolutionBackward): void {
  const { conv, outputGradient, input, inputGradient } = operation;
  const { count } = state.batch;
  const { inChannels, outChannels, inSize } = conv;
  const dy = normBackward(state, conv, outputGradient);
  const x = materialize(state, input);
  const weight = weightOf(state, conv);
  const dWeight = new Float64Array(weight.length);
  const dx = new Float64Array(count * inSize * inSize * inChannels);
  forEachTap(conv, count, (inPixel, outPixel, tap) => {
    for (let c = 0; c < inChannels; c++) {
      const row = (tap * inChannels + c) * outChannels;
      const value = x[inPixel * inChannels + c]!;
      let sum = 0;
      for (let o = 0; o < outChannels; o++) {
        const gradient = dy[outPixel * outChannels + o]!;
        dWeight[row + o]! += value * gradient;
        sum += weight[row + o]! * gradient;
      }
      dx[inPixel * inChannels + c]! += sum;
    }
  });
  namedOf(state, 'gradients').set(dWeight, conv.weight);
  if (!inputGradient) return;

  const { shortcut, gate, output, sums } = inputGradient;
  if (shortcut) addShortcutGradient(state, conv, shortcut, dx);
  if (gate) {
    const open = gateValue(state, gate);
    for (let i = 0; i < dx.length; i++) if (!open(i)) dx[i] = 0;
  }
  bufferOf(state, output).set(dx);
  accumulateGradientSums(state, dx, sums);
}

/** dy = k1·dz + k2·y + k3: batch normalisation's backward pass with the batch sums in k2 and k3. */
function normBackward(
  state: ReferenceState,
  conv: ConvolutionGeometry,
  { dz, y, norm }: OutputGradient,
): Float64Array {
  const { outChannels, outSize } = conv;
  const { k1, k2, k3 } = normOf(state, norm);
  const dy = new Float64Array(state.batch.count * outSize * outSize * outChannels);
  const gradient = bufferOf(state, dz);
  const output = bufferOf(state, y);
  for (let i = 0; i < dy.length; i++) {
    const c = i % outChannels;
    dy[i] = k1[c]! * gradient[i]! + k2[c]! * output[i]! + k3[c]!;
  }
  return dy;
}

/** Adds what came through the shortcut to `dx`. */
function addShortcutGradient(
  state: ReferenceState,
  { inChannels, inSize }: ConvolutionGeometry,
  shortcut: ShortcutGradient,
  dx: Float64Array,
): void {
  const dz = bufferOf(state, shortcut.dz);
  if (shortcut.kind === 'identity') {
    for (let i = 0; i < dx.length; i++) dx[i]! += dz[i]!;
    return;
  }
  // Adjoint of the padding shortcut: the middle channels return to the even pixels.
  const half = inSize / 2;
  for (let pixel = 0; pixel < state.batch.count * half * half; pixel++) {
    const n = Math.floor(pixel / (half * half));
    const row = 2 * (Math.floor(pixel / half) % half);
    const column = 2 * (pixel % half);
    const to = ((n * inSize + row) * inSize + column) * inChannels;
    const from = pixel * shortcut.outChannels + shortcut.channelsBefore;
    for (let c = 0; c < inChannels; c++) dx[to + c]! += dz[from + c]!;
  }
}
