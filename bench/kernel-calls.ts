// The kernel calls of a ResNet-20 training step (CIFAR, batch 128, shortcut A, F(4×4) Winograd), each
// with parameters to run it by itself and how often a step makes it for a block of images.

import { convolution } from '../src/engine/wasm/kernels/convolution.ts';
import { convolutionWeightGradient } from '../src/engine/wasm/kernels/convolution-weight-gradient.ts';
import { epiloguePass } from '../src/engine/wasm/kernels/epilogue.ts';
import { interiorOffset } from '../src/engine/wasm/kernels/image.ts';
import { inputImage } from '../src/engine/wasm/kernels/input-image.ts';
import type { KernelSpec } from '../src/engine/wasm/kernels/kernel.ts';
import { shortcutScatterAdd } from '../src/engine/wasm/kernels/shortcut.ts';
import { stage as stageKernel } from '../src/engine/wasm/kernels/stage.ts';
import { stridedInputGradient } from '../src/engine/wasm/kernels/strided-input-gradient.ts';
import { winogradBlock, winogradPlaneStride } from '../src/engine/wasm/kernels/winograd/layout.ts';
import { winogradOutput } from '../src/engine/wasm/kernels/winograd/output.ts';
import {
  winogradInput,
  winogradOutputGradient,
} from '../src/engine/wasm/kernels/winograd/planes.ts';
import {
  winogradProduct,
  winogradWeightProduct,
} from '../src/engine/wasm/kernels/winograd/products.ts';
import {
  winogradWeights,
  winogradWeightsAdjoint,
} from '../src/engine/wasm/kernels/winograd/weights.ts';

export interface KernelCall {
  readonly name: string;
  readonly spec: KernelSpec;
  readonly parameters: readonly number[];
  /** Multiplications and additions of a call; 0 for kernels that are not matrix kernels. */
  readonly flops: number;
  /** Calls in a step for `images` images. */
  readonly perStep: number;
  readonly images: number;
  /** What rows and channels of a tile must divide. */
  readonly rows: number;
  readonly columns: number;
}

const STAGES = [
  { size: 32, channels: 16 },
  { size: 16, channels: 32 },
  { size: 8, channels: 64 },
];
const TILE = 4;
const BATCH = 128;
/** Buffers far enough apart, and skewed against cache set conflicts. */
const address = (i: number) => 65536 + i * ((1 << 20) + 5 * 128);

/** Memory that the calls touch. */
export const KERNEL_CALL_BYTES = address(8);

export function kernelCalls(): KernelCall[] {
  const calls: KernelCall[] = [];
  const add = (
    name: string,
    spec: KernelSpec,
    parameters: readonly number[],
    perStep: number,
    images = 1,
    matrix: { flops: number; rows: number; columns: number } = { flops: 0, rows: 1, columns: 1 },
  ) => calls.push({ name, spec, parameters, perStep, images, ...matrix });
  const [A, B, C, D, E, F, G, H] = [
    address(0),
    address(1),
    address(2),
    address(3),
    address(4),
    address(5),
    address(6),
    address(7),
  ];

  const first = { kernel: 3, stride: 1, height: 32, width: 32 } as const;
  const stem = { ...first, inputChannels: 3, outputChannels: 16 };
  const stemFlops = { flops: 2 * 27 * 16 * 1024, rows: 32, columns: 16 };
  add('input image', inputImage({ height: 32, width: 32 }), [A, B, 2, 5, 1, C], 2);
  add('3 → 16', convolution(stem), [A, B, C], 1, 1, stemFlops);
  add(
    '3 → 16 weight gradient',
    convolutionWeightGradient(stem),
    [A, B + interiorOffset(32, 16), C],
    1,
    1,
    { ...stemFlops, rows: 9 },
  );

  for (const [stage, { size, channels }] of STAGES.entries()) {
    const shape = { height: size, width: size, channels };
    const label = `${channels} at ${size}×${size}`;
    const blocks = stage === 0 ? 6 : 5;
    const { tiles, images, parts, tileRows } = winogradBlock(TILE, size, size);
    const stride = winogradPlaneStride(tiles, channels);
    const image = { tile: TILE, width: size, channels } as const;
    const io = { tile: TILE, inputChannels: channels, outputChannels: channels } as const;
    const interior = interiorOffset(size, channels);
    const flops = 2 * 36 * tiles * channels * channels;
    // Transforms treat one image (or part) a call.
    const perImage = parts;
    add(`V ${label}`, winogradInput(image), [A, B, C, stride, tileRows], 3 * blocks * perImage);
    add(
      `W ${label}`,
      winogradOutputGradient(image),
      [A + interior, B, C, stride, tileRows],
      blocks * perImage,
    );
    const matrix = { flops, columns: channels };
    add(
      `product ${label}`,
      winogradProduct(io),
      [A, B, C, stride, stride, tiles],
      2 * blocks * parts,
      images,
      { ...matrix, rows: tiles },
    );
    add(
      `weight product ${label}`,
      winogradWeightProduct(io),
      [A, B, C, stride, stride, tiles],
      blocks * parts,
      images,
      { ...matrix, rows: channels },
    );
    const half = Math.floor(blocks / 2);
    for (const [epilogue, count] of [
      ['statistics', blocks],
      ['normReluGradient', blocks - half],
      ['addReluGradient', half],
    ] as const) {
      add(
        `Y ${epilogue} ${label}`,
        winogradOutput({ ...image, epilogue }),
        [A, stride, tileRows, B, C, D, E, F, G, H],
        count * parts,
      );
    }
    for (const [staging, count] of [
      ['normRelu', blocks + 1],
      ['normAddRelu', 3],
      ['gradient', 6 + (stage === 0 ? 1 : 0)],
      ['copy', 3],
    ] as const) {
      const keep = staging === 'normAddRelu';
      add(
        `stage ${staging} ${label}`,
        stageKernel({ staging, destination: 'padded', keep, ...shape }),
        [A + interior, B, C, D, E, F],
        count,
      );
    }
    const planeBytes = channels * channels * 4;
    const perWeight = { stepImages: BATCH, count: blocks };
    add(
      `U ${label}`,
      winogradWeights({ tile: TILE }),
      [A, B, planeBytes],
      2 * perWeight.count,
      BATCH,
    );
    add(
      `dg ${label}`,
      winogradWeightsAdjoint({ tile: TILE }),
      [A, B, planeBytes],
      perWeight.count,
      BATCH,
    );
    const direct = { ...first, height: size, width: size, ...io };
    const { tile: _, ...plain } = direct;
    const directFlops = { flops: 2 * 9 * channels ** 2 * size ** 2, columns: channels };
    add(`direct ${label}`, convolution(plain), [A, B, C], 0, 1, {
      ...directFlops,
      rows: size,
    });
    add(
      `direct weight gradient ${label}`,
      convolutionWeightGradient(plain),
      [A, B + interior, C],
      0,
      1,
      { ...directFlops, rows: 3 * channels },
    );
    if (stage === 0) continue;
    const [inputChannels, large] = [channels / 2, size * 2];
    const strided = {
      kernel: 3,
      stride: 2,
      height: large,
      width: large,
      inputChannels,
      outputChannels: channels,
    } as const;
    const stridedFlops = 2 * 9 * inputChannels * channels * size ** 2;
    add(`stride 2 to ${label}`, convolution(strided), [A, B, C], 1, 1, {
      flops: stridedFlops,
      rows: size,
      columns: channels,
    });
    add(
      `stride 2 weight gradient ${label}`,
      convolutionWeightGradient(strided),
      [A, B + interior, C],
      1,
      1,
      { flops: stridedFlops, rows: 3 * inputChannels, columns: channels },
    );
    const { stride: _stride, ...unstrided } = strided;
    add(
      `stride 2 input gradient ${label}`,
      stridedInputGradient(unstrided),
      [A + interior, B, C],
      1,
      1,
      { flops: stridedFlops, rows: size, columns: inputChannels },
    );
    const pass = { height: large, width: large, channels: inputChannels };
    add('scatter', shortcutScatterAdd({ ...shape, before: shape.channels / 4 }), [A, B], 1);
    add('pass block', epiloguePass({ epilogue: 'reluGradient', ...pass }), [A, B, C, D, E, F], 1);
    add('pass forward', epiloguePass({ epilogue: 'statistics', ...shape }), [A, B, C, D, E, F], 1);
  }
  return calls;
}
