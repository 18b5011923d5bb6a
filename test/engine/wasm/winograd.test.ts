// Winograd convolution against direct convolution in float64, through all kernels of a forward and a
// backward pass, with every epilogue of the output transform.

import { describe, expect, test } from 'vitest';
import type { KernelOptions } from '../../../src/engine/wasm/kernels/context.ts';
import type { ConvolutionShape } from '../../../src/engine/wasm/kernels/convolution.ts';
import type { Epilogue } from '../../../src/engine/wasm/kernels/epilogue.ts';
import { interiorOffset } from '../../../src/engine/wasm/kernels/image.ts';
import { reverseWeights } from '../../../src/engine/wasm/kernels/rearrange-weights.ts';
import {
  type WinogradTile,
  winogradBlock,
  winogradColumnsBytes,
  winogradOutputBytes,
  winogradPlaneStride,
  winogradPlanes,
  winogradPlanesBytes,
} from '../../../src/engine/wasm/kernels/winograd/layout.ts';
import { winogradOutput } from '../../../src/engine/wasm/kernels/winograd/output.ts';
import {
  winogradInput,
  winogradOutputGradient,
} from '../../../src/engine/wasm/kernels/winograd/planes.ts';
import {
  winogradProduct,
  winogradWeightProduct,
} from '../../../src/engine/wasm/kernels/winograd/products.ts';
import {
  winogradWeights,
  winogradWeightsAdjoint,
} from '../../../src/engine/wasm/kernels/winograd/weights.ts';
import { applyEpilogue } from './epilogue-formulas.ts';
import {
  Bench,
  convolve,
  convolveInputGradient,
  convolveWeightGradient,
  MODES,
  random,
  relativeError,
} from './harness.ts';

const SIZES = [
  { height: 32, width: 32, channels: 16 },
  { height: 16, width: 16, channels: 32 },
  { height: 8, width: 8, channels: 64 },
  { height: 12, width: 4, channels: 8 },
];
const TILES: readonly WinogradTile[] = [4, 2];
const CASES = TILES.flatMap((tile) => SIZES.map((size) => ({ tile, ...size })));
/** F(4×4) amplifies rounding; F(2×2) hardly. Relative to the root mean square of the result. */
const FORWARD_BOUND = { 4: 2e-6, 2: 8e-7 };
const WEIGHT_BOUND = { 4: 6e-6, 2: 2e-6 };

/** Everything one image needs, and the kernels in the order in which the executor calls them. */
function setUp(c: (typeof CASES)[number], mode: KernelOptions, epilogues: readonly Epilogue[]) {
  const { tile, height, width, channels } = c;
  const io = { tile, inputChannels: channels, outputChannels: channels };
  const image = { tile, width, channels };
  const specs = {
    input: winogradInput(image),
    outputGradient: winogradOutputGradient(image),
    product: winogradProduct(io),
    weightProduct: winogradWeightProduct(io),
    weights: winogradWeights({ tile }),
    adjoint: winogradWeightsAdjoint({ tile }),
    reverse: reverseWeights({ kernel: 3, inputChannels: channels, outputChannels: channels }),
  };
  const output = (epilogue: Epilogue) => winogradOutput({ ...image, epilogue });
  const bench = new Bench([...Object.values(specs), ...epilogues.map(output)], mode);
  const tiles = (height / tile) * (width / tile);
  const stride = winogradPlaneStride(tiles, channels);
  const planeBytes = channels * channels * 4;
  const scratch = {
    columns: bench.reserve(winogradColumnsBytes(tile, width, channels)),
    temporary: bench.reserve(winogradOutputBytes(tile, width, channels)),
    v: bench.reserve(winogradPlanesBytes(tile, tiles, channels)),
    w: bench.reserve(winogradPlanesBytes(tile, tiles, channels)),
    m: bench.reserve(winogradPlanesBytes(tile, tiles, channels)),
    u: bench.reserve(winogradPlanes(tile) * planeBytes),
    du: bench.reserve(winogradPlanes(tile) * planeBytes),
  };
  return { bench, specs, output, scratch, tiles, stride, planeBytes };
}

function shapeOf({ height, width, channels }: (typeof CASES)[number]): ConvolutionShape {
  const io = { inputChannels: channels, outputChannels: channels };
  return { kernel: 3, stride: 1, height, width, ...io };
}

describe.each(MODES)('Winograd, $multiplyAdd, tiles for $simdWidth bits', (mode) => {
  test.each(CASES)('forward F($tile), $height×$width×$channels', (c) => {
    const { height, width, channels, tile } = c;
    const size = height * width * channels;
    const { bench, specs, output, scratch, tiles, stride, planeBytes } = setUp(c, mode, ['none']);
    const x = random(size, 1);
    const g = random(9 * channels * channels, 2);
    const result = bench.reserve(size * 4);
    bench.kernel(specs.weights)(bench.put(g), scratch.u, planeBytes);
    const padded = bench.putPadded(x, height, width, channels);
    bench.kernel(specs.input)(padded, scratch.columns, scratch.v, stride, height / tile);
    bench.kernel(specs.product)(scratch.v, scratch.u, scratch.m, stride, stride, tiles);
    bench.kernel(output('none'))(
      scratch.m,
      stride,
      height / tile,
      result,
      0,
      0,
      0,
      0,
      0,
      scratch.temporary,
    );
    const expected = convolve(x, g, shapeOf(c));
    expect(relativeError(bench.floats(result, size), expected)).toBeLessThan(FORWARD_BOUND[tile]);
  });

  test.each(CASES)('gradients F($tile), $height×$width×$channels', (c) => {
    const { height, width, channels, tile } = c;
    const size = height * width * channels;
    const { bench, specs, output, scratch, tiles, stride, planeBytes } = setUp(c, mode, ['none']);
    const x = random(size, 1);
    const g = random(9 * channels * channels, 2);
    const dy = random(size, 3);
    const paddedX = bench.putPadded(x, height, width, channels);
    const paddedDy = bench.putPadded(dy, height, width, channels);
    const rows = height / tile;

    // Weight gradient: the same image twice gives twice the gradient, as it accumulates.
    bench.kernel(specs.input)(paddedX, scratch.columns, scratch.v, stride, rows);
    const interior = paddedDy + interiorOffset(width, channels);
    bench.kernel(specs.outputGradient)(interior, scratch.columns, scratch.w, stride, rows);
    for (let i = 0; i < 2; i++) {
      bench.kernel(specs.weightProduct)(scratch.v, scratch.w, scratch.du, stride, stride, tiles);
    }
    const weightGradient = bench.reserve(g.byteLength);
    bench.kernel(specs.adjoint)(scratch.du, weightGradient, planeBytes);
    const expectedWeight = convolveWeightGradient(x, dy, shapeOf(c)).map((v) => 2 * v);
    expect(relativeError(bench.floats(weightGradient, g.length), expectedWeight)).toBeLessThan(
      WEIGHT_BOUND[tile],
    );

    // Input gradient: the forward kernels with reversed weights.
    const reversed = bench.reserve(g.byteLength);
    const result = bench.reserve(size * 4);
    bench.kernel(specs.reverse)(bench.put(g), reversed);
    bench.kernel(specs.weights)(reversed, scratch.u, planeBytes);
    bench.kernel(specs.input)(paddedDy, scratch.columns, scratch.v, stride, rows);
    bench.kernel(specs.product)(scratch.v, scratch.u, scratch.m, stride, stride, tiles);
    bench.kernel(output('none'))(scratch.m, stride, rows, result, 0, 0, 0, 0, 0, scratch.temporary);
    const expected = convolveInputGradient(dy, g, shapeOf(c));
    expect(relativeError(bench.floats(result, size), expected)).toBeLessThan(FORWARD_BOUND[tile]);
  });

  const epilogues: readonly Epilogue[] = [
    'none',
    'statistics',
    'normReluGradient',
    'reluGradient',
    'addReluGradient',
    'bias',
    'biasRelu',
    'biasAddRelu',
  ];
  test.each(epilogues)('epilogue %s, an image in parts', (epilogue) => {
    const c = { tile: 4, height: 16, width: 16, channels: 16 } as const;
    const { height, width, channels, tile } = c;
    const size = height * width * channels;
    const { bench, specs, output, scratch, tiles, stride, planeBytes } = setUp(c, mode, [epilogue]);
    const x = random(size, 1);
    const g = random(9 * channels * channels, 2);
    const [a, b, cc] = [random(size, 4), random(size, 5), random(size, 6)];
    const coefficients = random(2 * channels, 7);
    const before = random(2 * channels, 8);
    bench.kernel(specs.weights)(bench.put(g), scratch.u, planeBytes);
    bench.kernel(specs.input)(
      bench.putPadded(x, height, width, channels),
      scratch.columns,
      scratch.v,
      stride,
      height / tile,
    );
    bench.kernel(specs.product)(scratch.v, scratch.u, scratch.m, stride, stride, tiles);
    const [aAt, bAt, cAt] = [bench.put(a), bench.put(b), bench.put(cc)];
    const sums = bench.put(before);
    const result = bench.reserve(size * 4);
    const coefficientsAt = bench.put(coefficients);
    for (const row of [0, 2]) {
      const offset = row * tile * width * channels * 4;
      bench.kernel(output(epilogue))(
        scratch.m + row * (width / tile) * channels * 4,
        stride,
        2,
        result + offset,
        sums,
        aAt + offset,
        bAt + offset,
        cAt + offset,
        coefficientsAt,
        scratch.temporary,
      );
    }
    const expected = applyEpilogue(
      epilogue,
      convolve(x, g, shapeOf(c)),
      a,
      b,
      cc,
      coefficients,
      channels,
    );
    expect(relativeError(bench.floats(result, size), expected.values)).toBeLessThan(2e-6);
    const actualSums = bench.floats(sums, 2 * channels).map((v, i) => v - before[i]!);
    if (expected.sums === null) expect(Math.max(...actualSums.map(Math.abs))).toBe(0);
    else expect(relativeError(actualSums, expected.sums)).toBeLessThan(5e-6);
  });
});

test('work blocks cover the image and stay near 32 tiles of F(4×4)', () => {
  expect(winogradBlock(4, 32, 32)).toEqual({ tiles: 32, images: 1, parts: 2, tileRows: 4 });
  expect(winogradBlock(4, 16, 16)).toEqual({ tiles: 32, images: 2, parts: 1, tileRows: 4 });
  expect(winogradBlock(4, 8, 8)).toEqual({ tiles: 32, images: 8, parts: 1, tileRows: 2 });
  expect(winogradBlock(2, 32, 32)).toEqual({ tiles: 128, images: 1, parts: 2, tileRows: 8 });
});
