// Runs single kernels in tests: a memory with a bump allocator, arrays in and out, random data, and the
// error measure. Expected values are computed in float64 by obvious loops, in the tests themselves.

import type { KernelOptions } from '../../../src/engine/wasm/kernels/context.ts';
import type { ConvolutionShape } from '../../../src/engine/wasm/kernels/convolution.ts';
import { generateModule, type KernelSpec } from '../../../src/engine/wasm/kernels/kernel.ts';
import { wasm } from '../../../src/engine/wasm/webassembly.ts';

export const SEPARATE: KernelOptions = { multiplyAdd: 'separate', simdWidth: 256 };
export const FUSED: KernelOptions = { multiplyAdd: 'fused', simdWidth: 256 };
export const MODES: readonly KernelOptions[] = [
  SEPARATE,
  FUSED,
  { multiplyAdd: 'separate', simdWidth: 128 },
];

export class Bench {
  readonly bytes: Uint8Array;
  private readonly exports: Readonly<Record<string, unknown>>;
  private used = 1024;

  constructor(specs: readonly KernelSpec[], options: KernelOptions, pages = 400) {
    const memory = new wasm.Memory({ initial: pages });
    const code = generateModule(specs, {
      ...options,
      memory: { initialPages: pages, shared: false },
    });
    this.exports = new wasm.Instance(new wasm.Module(code), { env: { memory } }).exports;
    this.bytes = new Uint8Array(memory.buffer);
  }

  kernel<Call>(spec: KernelSpec<Call>): Call {
    return spec.from(this.exports);
  }

  /** Address of `bytes` zero bytes. */
  reserve(bytes: number): number {
    const address = this.used;
    this.used = Math.ceil((address + bytes) / 64) * 64 + 64;
    if (this.used > this.bytes.length) throw new Error('test memory is too small');
    return address;
  }

  /** Address of a copy of the values. */
  put(values: Float32Array): number {
    const address = this.reserve(values.byteLength);
    this.floats(address, values.length).set(values);
    return address;
  }

  /** A view of the floats at an address. */
  floats(address: number, length: number): Float32Array {
    return new Float32Array(this.bytes.buffer as ArrayBuffer, address, length);
  }

  /** Address of a zero-bordered copy of a dense image [height][width][channels]. */
  putPadded(image: Float32Array, height: number, width: number, channels: number): number {
    return this.put(pad(image, height, width, channels));
  }
}

export function pad(
  image: Float32Array,
  height: number,
  width: number,
  channels: number,
): Float32Array {
  const padded = new Float32Array((height + 2) * (width + 2) * channels);
  for (let h = 0; h < height; h++) {
    const row = image.subarray(h * width * channels, (h + 1) * width * channels);
    padded.set(row, ((h + 1) * (width + 2) + 1) * channels);
  }
  return padded;
}

/** Roughly normal numbers from a fixed sequence. */
export function random(length: number, seed = 1): Float32Array {
  let state = (seed * 0x9e3779b9) >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
  return Float32Array.from({ length }, () => (next() + next() + next() - 1.5) * 2);
}

/** ‖actual - expected‖ / ‖expected‖. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) throw new Error('lengths differ');
  let error = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i]! - expected[i]!) ** 2;
    norm += expected[i]! ** 2;
  }
  return Math.sqrt(error / norm);
}

/** Direct 'same' convolution in float64: x [H][W][I], g [k][k][I][O], result [H/s][W/s][O]. */
export function convolve(
  x: ArrayLike<number>,
  g: ArrayLike<number>,
  shape: ConvolutionShape,
): Float64Array {
  const { outputHeight, outputWidth, outputChannels } = extents(shape);
  const y = new Float64Array(outputHeight * outputWidth * outputChannels);
  forEachProduct(shape, (xi, gi, yi) => {
    y[yi]! += x[xi]! * g[gi]!;
  });
  return y;
}

/** Gradient of `convolve` with respect to x, from dy. */
export function convolveInputGradient(
  dy: ArrayLike<number>,
  g: ArrayLike<number>,
  shape: ConvolutionShape,
): Float64Array {
  const dx = new Float64Array(shape.height * shape.width * shape.inputChannels);
  forEachProduct(shape, (xi, gi, yi) => {
    dx[xi]! += dy[yi]! * g[gi]!;
  });
  return dx;
}

/** Gradient of `convolve` with respect to g. */
export function convolveWeightGradient(
  x: ArrayLike<number>,
  dy: ArrayLike<number>,
  shape: ConvolutionShape,
): Float64Array {
  const dg = new Float64Array(shape.kernel ** 2 * shape.inputChannels * shape.outputChannels);
  forEachProduct(shape, (xi, gi, yi) => {
    dg[gi]! += x[xi]! * dy[yi]!;
  });
  return dg;
}

function extents(shape: ConvolutionShape) {
  return {
    outputHeight: shape.height / shape.stride,
    outputWidth: shape.width / shape.stride,
    outputChannels: shape.outputChannels,
  };
}

/** Visits every product x*g of a convolution with the index of the output that it belongs to. */
function forEachProduct(
  shape: ConvolutionShape,
  visit: (xi: number, gi: number, yi: number) => void,
): void {
  const { kernel, stride, height, width, inputChannels: I, outputChannels: O } = shape;
  const { outputHeight, outputWidth } = extents(shape);
  const border = (kernel - 1) / 2;
  for (let h = 0; h < outputHeight; h++)
    for (let w = 0; w < outputWidth; w++)
      for (let kh = 0; kh < kernel; kh++)
        for (let kw = 0; kw < kernel; kw++) {
          const sourceH = h * stride + kh - border;
          const sourceW = w * stride + kw - border;
          if (sourceH < 0 || sourceH >= height || sourceW < 0 || sourceW >= width) continue;
          for (let i = 0; i < I; i++)
            for (let o = 0; o < O; o++)
              visit(
                (sourceH * width + sourceW) * I + i,
                ((kh * kernel + kw) * I + i) * O + o,
                (h * outputWidth + w) * O + o,
              );
        }
}
