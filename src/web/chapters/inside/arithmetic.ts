// The arithmetic of one pixel, from the numbers that the worker sends to the steps that a reader follows.

import type { PixelArithmetic } from '../../worker/protocol.ts';

/** What one input channel adds to the sum of a convolution. */
export interface ChannelPart {
  readonly channel: number;
  /** kernel × kernel values of the input, of the weights, and their products, rows from the top. */
  readonly patch: Float32Array;
  readonly weights: Float32Array;
  readonly products: Float64Array;
  /** Of the products. */
  readonly sum: number;
}

/** Channel by channel; the sums of all add up to the convolution's. */
export function channelParts({
  kernel,
  inputChannels,
  patch,
  weights,
}: PixelArithmetic): ChannelPart[] {
  const taps = kernel * kernel;
  return Array.from({ length: inputChannels }, (_, channel) => {
    const part = {
      channel,
      patch: new Float32Array(taps),
      weights: new Float32Array(taps),
      products: new Float64Array(taps),
      sum: 0,
    };
    for (let tap = 0; tap < taps; tap++) {
      const from = tap * inputChannels + channel;
      part.patch[tap] = patch[from]!;
      part.weights[tap] = weights[from]!;
      part.products[tap] = patch[from]! * weights[from]!;
      part.sum += part.products[tap]!;
    }
    return part;
  });
}

/** One line of the sum that ends in the pixel's value. */
export interface Step {
  readonly name: 'sum' | 'centred' | 'normalised' | 'scaled' | 'shortcut' | 'relu';
  /** With the numbers in it. */
  readonly formula: string;
  readonly value: number;
}

/** From the convolution's sum to the output, in the order of the computation. */
export function stepsOf(pixel: PixelArithmetic): Step[] {
  const { sum, mean, variance, epsilon, scale, shift, normalized, shortcut, output } = pixel;
  const deviation = Math.sqrt(variance + epsilon);
  const centred = sum - mean;
  const added = normalized + (shortcut ?? 0);
  const parts = pixel.inputChannels * pixel.kernel ** 2;
  const steps: Step[] = [
    { name: 'sum', formula: `${parts} products, added up`, value: sum },
    { name: 'centred', formula: `${digits(sum)} − ${inBrackets(mean)}`, value: centred },
    {
      name: 'normalised',
      formula: `${digits(centred)} ÷ ${digits(deviation)}`,
      value: centred / deviation,
    },
    {
      name: 'scaled',
      formula: `${digits(scale)} · ${inBrackets(centred / deviation)} + ${inBrackets(shift)}`,
      value: normalized,
    },
  ];
  if (shortcut !== undefined) {
    const formula = `${digits(normalized)} + ${inBrackets(shortcut)}`;
    steps.push({ name: 'shortcut', formula, value: added });
  }
  // A projection has no ReLU: it goes into the addition of its block.
  if (pixel.kernel !== 1) {
    steps.push({ name: 'relu', formula: `max(0, ${digits(added)})`, value: output });
  }
  return steps;
}

/** With four digits behind the point, or of the number where it is tiny or huge. */
export function digits(value: number): string {
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 0.001 || size >= 10_000) ? value.toExponential(3) : value.toFixed(4);
  return text.replaceAll('-', '−');
}

/** A negative number behind a sign gets brackets. */
function inBrackets(value: number): string {
  return value < 0 ? `(${digits(value)})` : digits(value);
}

/**
 * Where the window of a convolution lies in its input: of its top left value, which may be outside, and
 * how many values wide it is.
 */
export function windowOf(
  { kernel, stride }: Pick<PixelArithmetic, 'kernel' | 'stride'>,
  row: number,
  column: number,
): { readonly row: number; readonly column: number; readonly size: number } {
  const border = (kernel - 1) / 2;
  return { row: row * stride - border, column: column * stride - border, size: kernel };
}
