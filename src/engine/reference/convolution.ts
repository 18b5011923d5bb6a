// Convolution as its definition: y[n,i,j,o] = Σ x[n, s·i + a − p, s·j + b − p, c] · w[a,b,c,o], with
// zeros outside the map, and its two adjoints. Loops run over input pixels of one tap at a time.

import { NORM_EPSILON } from '../constants.ts';
import type { ConvolutionGeometry, GradientSums, Operation, OutputGradient } from '../program.ts';
import { addShortcut, gateValue, materialize } from './activation.ts';
import { bufferOf, normOf, type ReferenceState, trainingBuffer } from './state.ts';

type Of<Kind extends Operation['kind']> = Extract<Operation, { kind: Kind }>;

/** Calls visit(input pixel, output pixel, tap) for every product of pixels, as flat pixel indices. */
function forEachTap(
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

function convolve(
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

function weightOf(state: ReferenceState, conv: ConvolutionGeometry): Float64Array {
  const { kernel, inChannels, outChannels, weight } = conv;
  const length = kernel * kernel * inChannels * outChannels;
  return bufferOf(state, state.program.named.parameters).subarray(weight, weight + length);
}

export function convolution(state: ReferenceState, operation: Of<'convolution'>): void {
  const { conv, input, output, norm } = operation;
  const y = convolve(conv, state.batch.count, materialize(state, input), weightOf(state, conv));
  bufferOf(state, output).set(y);
  if (norm === undefined) return;
  const { sum, sumOfSquares } = normOf(state, norm);
  sum.fill(0);
  sumOfSquares.fill(0);
  for (let i = 0; i < y.length; i++) {
    sum[i % conv.outChannels]! += y[i]!;
    sumOfSquares[i % conv.outChannels]! += y[i]! * y[i]!;
  }
}

/** Weights times the running scale, then the running shift, as one buffer. */
export function foldNorm(state: ReferenceState, operation: Of<'foldNorm'>): void {
  const { conv, norm, output } = operation;
  const { spec } = normOf(state, norm);
  const parameters = bufferOf(state, state.program.named.parameters);
  const running = bufferOf(state, state.program.named.running);
  const folded = bufferOf(state, output);
  const weight = weightOf(state, conv);
  for (let o = 0; o < conv.outChannels; o++) {
    const deviation = Math.sqrt(running[spec.runningVariance + o]! + NORM_EPSILON);
    const scale = parameters[spec.gamma + o]! / deviation;
    for (let i = o; i < weight.length; i += conv.outChannels) folded[i] = weight[i]! * scale;
    folded[weight.length + o] = parameters[spec.beta + o]! - running[spec.runningMean + o]! * scale;
  }
}

export function convolutionInference(
  state: ReferenceState,
  operation: Of<'convolutionInference'>,
): void {
  const { conv, folded, input, shortcut, relu, output } = operation;
  const values = bufferOf(state, folded);
  const weights = values.length - conv.outChannels;
  const y = convolve(conv, state.batch.count, materialize(state, input), values);
  for (let i = 0; i < y.length; i++) y[i]! += values[weights + (i % conv.outChannels)]!;
  if (shortcut) addShortcut(state, y, shortcut);
  if (relu) for (let i = 0; i < y.length; i++) y[i] = Math.max(0, y[i]!);
  bufferOf(state, output).set(y);
}

export function convolutionBackward(
  state: ReferenceState,
  operation: Of<'convolutionBackward'>,
): void {
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
  trainingBuffer(state, 'gradients').set(dWeight, conv.weight);
  if (!inputGradient) return;

  const { shortcut, gate, output, sums } = inputGradient;
  if (shortcut?.kind === 'identity') {
    const dz = bufferOf(state, shortcut.dz);
    for (let i = 0; i < dx.length; i++) dx[i]! += dz[i]!;
  } else if (shortcut) {
    // Adjoint of the padding shortcut: the middle channels return to the even pixels.
    const dz = bufferOf(state, shortcut.dz);
    const half = inSize / 2;
    for (let pixel = 0; pixel < count * half * half; pixel++) {
      const n = Math.floor(pixel / (half * half));
      const row = 2 * (Math.floor(pixel / half) % half);
      const column = 2 * (pixel % half);
      const to = ((n * inSize + row) * inSize + column) * inChannels;
      const from = pixel * shortcut.outChannels + shortcut.channelsBefore;
      for (let c = 0; c < inChannels; c++) dx[to + c]! += dz[from + c]!;
    }
  }
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

/** Σdz and Σdz·y a channel, for each norm that made the gated activation. */
export function accumulateGradientSums(
  state: ReferenceState,
  dz: Float64Array,
  sums: readonly GradientSums[],
): void {
  for (const { norm, y } of sums) {
    const { spec, gradientSum, gradientProductSum } = normOf(state, norm);
    const output = bufferOf(state, y);
    gradientSum.fill(0);
    gradientProductSum.fill(0);
    for (let i = 0; i < dz.length; i++) {
      gradientSum[i % spec.channels]! += dz[i]!;
      gradientProductSum[i % spec.channels]! += dz[i]! * output[i]!;
    }
  }
}
