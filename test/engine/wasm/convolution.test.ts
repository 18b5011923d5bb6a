// Direct convolution kernels against float64: forward, weight gradient, input gradient.

import { describe, expect, test } from 'vitest';
import {
  type ConvolutionShape,
  convolution,
} from '../../../src/engine/wasm/kernels/convolution.ts';
import { convolutionWeightGradient } from '../../../src/engine/wasm/kernels/convolution-weight-gradient.ts';
import { interiorOffset } from '../../../src/engine/wasm/kernels/image.ts';
import {
  parityWeights,
  reverseWeights,
} from '../../../src/engine/wasm/kernels/rearrange-weights.ts';
import { stridedInputGradient } from '../../../src/engine/wasm/kernels/strided-input-gradient.ts';
import {
  Bench,
  convolve,
  convolveInputGradient,
  convolveWeightGradient,
  MODES,
  random,
  relativeError,
  SEPARATE,
} from './harness.ts';

const SHAPES: readonly ConvolutionShape[] = [
  { kernel: 3, stride: 1, height: 32, width: 32, inputChannels: 3, outputChannels: 16 },
  { kernel: 3, stride: 1, height: 32, width: 32, inputChannels: 16, outputChannels: 16 },
  { kernel: 3, stride: 1, height: 8, width: 8, inputChannels: 64, outputChannels: 64 },
  { kernel: 3, stride: 1, height: 12, width: 20, inputChannels: 8, outputChannels: 24 },
  { kernel: 3, stride: 2, height: 32, width: 32, inputChannels: 16, outputChannels: 32 },
  { kernel: 3, stride: 2, height: 16, width: 16, inputChannels: 32, outputChannels: 64 },
  { kernel: 3, stride: 2, height: 8, width: 12, inputChannels: 8, outputChannels: 16 },
  { kernel: 1, stride: 2, height: 32, width: 32, inputChannels: 16, outputChannels: 32 },
  { kernel: 1, stride: 2, height: 16, width: 16, inputChannels: 32, outputChannels: 64 },
];
/** float32 sums of a few thousand products. */
const BOUND = 2e-6;

function name(shape: ConvolutionShape): string {
  const { kernel, stride, height, width, inputChannels, outputChannels } = shape;
  return `${kernel}×${kernel} stride ${stride}, ${height}×${width}, ${inputChannels} → ${outputChannels}`;
}

describe.each(MODES)('direct convolution, $multiplyAdd, tiles for $simdWidth bits', (mode) => {
  test.each(SHAPES.map((shape) => [name(shape), shape] as const))('%s', (_, shape) => {
    const { kernel, stride, height, width, inputChannels, outputChannels } = shape;
    const outputHeight = height / stride;
    const outputWidth = width / stride;
    const forward = convolution(shape);
    const weight = convolutionWeightGradient(shape);
    const bench = new Bench([forward, weight], mode);
    const x = random(height * width * inputChannels, 1);
    const g = random(kernel ** 2 * inputChannels * outputChannels, 2);
    const dy = random(outputHeight * outputWidth * outputChannels, 3);
    const input = kernel === 3 ? bench.putPadded(x, height, width, inputChannels) : bench.put(x);

    const output = bench.reserve(dy.byteLength);
    bench.kernel(forward)(input, bench.put(g), output);
    expect(relativeError(bench.floats(output, dy.length), convolve(x, g, shape))).toBeLessThan(
      BOUND,
    );

    const before = random(g.length, 4);
    const weightGradient = bench.put(before);
    const gradient = bench.putPadded(dy, outputHeight, outputWidth, outputChannels);
    bench.kernel(weight)(
      input,
      gradient + interiorOffset(outputWidth, outputChannels),
      weightGradient,
    );
    const expected = convolveWeightGradient(x, dy, shape).map((v, i) => v + before[i]!);
    expect(relativeError(bench.floats(weightGradient, g.length), expected)).toBeLessThan(BOUND);
  });

  const withGradient = SHAPES.filter((shape) => shape.inputChannels !== 3);
  test.each(withGradient.map((shape) => [name(shape), shape] as const))(
    'input gradient of %s',
    (_, shape) => {
      const { kernel, stride, height, width, inputChannels, outputChannels } = shape;
      const outputHeight = height / stride;
      const outputWidth = width / stride;
      const weightShape = { kernel, inputChannels, outputChannels };
      const rearrange =
        stride === 2 && kernel === 3 ? parityWeights(weightShape) : reverseWeights(weightShape);
      const { stride: _stride, ...unstrided } = shape;
      const strided = stridedInputGradient(unstrided);
      const transposed = convolution({
        kernel,
        stride: 1,
        height,
        width,
        inputChannels: outputChannels,
        outputChannels: inputChannels,
      });
      const bench = new Bench([rearrange, stride === 2 ? strided : transposed], mode);
      const g = random(kernel ** 2 * inputChannels * outputChannels, 2);
      const dy = random(outputHeight * outputWidth * outputChannels, 3);
      const weights = bench.reserve(g.byteLength);
      bench.kernel(rearrange)(bench.put(g), weights);

      // The projection's gradient is added to what is there, the others overwrite it.
      const before = random(height * width * inputChannels, 5);
      const result = bench.put(before);
      const padded = bench.putPadded(dy, outputHeight, outputWidth, outputChannels);
      if (stride === 2) {
        const interior = padded + interiorOffset(outputWidth, outputChannels);
        bench.kernel(strided)(interior, weights, result);
      } else {
        bench.kernel(transposed)(padded, weights, result);
      }
      const expected = convolveInputGradient(dy, g, shape);
      if (kernel === 1) for (const [i, v] of before.entries()) expected[i]! += v;
      expect(relativeError(bench.floats(result, before.length), expected)).toBeLessThan(BOUND);
    },
  );
});

test('channel counts that are not multiples of eight are refused', () => {
  const shape = { kernel: 3, stride: 1, height: 8, width: 8 } as const;
  const spec = convolution({ ...shape, inputChannels: 8, outputChannels: 12 });
  expect(() => new Bench([spec], SEPARATE)).toThrow('multiples of 8');
});
