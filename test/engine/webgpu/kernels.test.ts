// The text of every kernel, checked by Dawn's compiler without a GPU: Dawn's null backend validates WGSL
// and pipelines and computes nothing.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lowerInference } from '../../../src/engine/lower-infer.ts';
import { lowerTraining } from '../../../src/engine/lower-train.ts';
import type { Program } from '../../../src/engine/program.ts';
import { openDevice } from '../../../src/engine/webgpu/adapter.ts';
import {
  type CandidateOptions,
  defaultTiles,
  type TileCandidates,
  tileCandidates,
} from '../../../src/engine/webgpu/candidates.ts';
import { type CompileOptions, compileKernels } from '../../../src/engine/webgpu/compile.ts';
import type { TileChoice } from '../../../src/engine/webgpu/context.ts';
import { Device } from '../../../src/engine/webgpu/device.ts';
import { createNodeGpuHost } from '../../../src/engine/webgpu/host.node.ts';
import type { Kernel } from '../../../src/engine/webgpu/kernel.ts';
import { matrixProductBytes, productPlaces } from '../../../src/engine/webgpu/matrix-tiles.ts';
import type { MatrixSize, MatrixUnit } from '../../../src/engine/webgpu/matrix-unit.ts';
import type { StorageFormat } from '../../../src/engine/webgpu/storage.ts';
import { TENSOR_CORE_FEATURES } from '../../../src/engine/webgpu/tensor-cores.ts';
import {
  gradientThreads,
  type ProductShape,
  type ProductTile,
  productBytes,
  productThreads,
} from '../../../src/engine/webgpu/tiles.ts';
import { createNetwork } from '../../../src/nn/network.ts';

const BATCH = 4;

/** Programs that together have every operation with every kind of operand. */
const PROGRAMS: readonly (readonly [string, Program])[] = [
  ['training, shortcut A', train('resnet8', 'A')],
  ['training, shortcut B', train('resnet8', 'B')],
  ['training, recomputed', train('resnet14', 'B', 'recompute')],
  ['training without shortcuts', train('plain8')],
  [
    'training of the last stage',
    lowerTraining(createNetwork('resnet8', {}), { batchSize: BATCH, freeze: 'layer2' }),
  ],
  ['inference, shortcut A', infer('A')],
  ['inference, shortcut B', infer('B')],
];

function train(arch: string, shortcut?: 'A' | 'B', memory: 'keep' | 'recompute' = 'keep') {
  return lowerTraining(createNetwork(arch, { shortcut }), { batchSize: BATCH, memory });
}

function infer(shortcut: 'A' | 'B') {
  return lowerInference(createNetwork('resnet8', { shortcut }), { batchSize: BATCH });
}

function kernelsOf(program: Program, options: CompileOptions = {}): Kernel[] {
  const { setup, body } = compileKernels(program, options);
  return [...setup, ...body];
}

/** Every shape of convolution, trained and inferred, for the tile shapes. */
const SHAPES = [train('resnet8', 'B'), infer('A')];

const FORMATS = ['f32', 'f16', 'packed'] as const;

/** What GPUs offer: NVIDIA and AMD, NVIDIA, Intel, Apple. */
const MATRICES: readonly MatrixSize[] = [
  { m: 16, n: 16, k: 16, element: 'f16', result: 'f32' },
  { m: 16, n: 8, k: 16, element: 'f16', result: 'f32' },
  { m: 8, n: 16, k: 16, element: 'f16', result: 'f32' },
  { m: 8, n: 8, k: 8, element: 'f16', result: 'f16' },
];

/** On the null backend, whose subgroups have 4 to 128 threads. */
function onTensorCores(size: MatrixSize, workgroupBytes: number): TileCandidates {
  const matrices: MatrixUnit = { ...size, subgroupSize: 32, asksForSize: true, emulated: false };
  return tileCandidates({ matrices, workgroupBytes, onlyMatrices: true });
}

/** The kernels with the first candidate of each shape, then with the second, until all were there. */
function* withEveryTile(
  program: Program,
  candidates: TileCandidates,
  formats: readonly StorageFormat[],
): Generator<Kernel> {
  let most = 1;
  for (let choice = 0; choice < most; choice++) {
    const pick = <T>(tiles: readonly T[]): T => {
      most = Math.max(most, tiles.length);
      return tiles[choice % tiles.length]!;
    };
    const tiles: TileChoice = {
      product: (shape, direction) => pick(candidates.product(shape, direction)),
      gradient: (conv) => pick(candidates.gradient(conv)),
    };
    for (const format of formats) yield* kernelsOf(program, { format, tiles });
  }
}

describe('the kernels', () => {
  let device: Device;
  const checked = new Set<string>();
  beforeAll(async () => {
    const host = createNodeGpuHost({ backend: 'null' });
    device = new Device(await openDevice(host, undefined, TENSOR_CORE_FEATURES));
  });
  afterAll(() => device.dispose());

  /** Checks texts and pipelines; returns how many were new. */
  async function check(kernels: Iterable<Kernel>): Promise<number> {
    let count = 0;
    for (const kernel of kernels) {
      if (checked.has(kernel.source)) continue;
      checked.add(kernel.source);
      count++;
      await device.pipeline(kernel);
    }
    device.check();
    return count;
  }

  describe.each(PROGRAMS)('of %s', (_, program) => {
    it.each(FORMATS)('are valid WGSL with %s activations', async (format) => {
      await check(kernelsOf(program, { format }));
    });
    it('are valid WGSL with hidden loop bounds', async () => {
      await check(kernelsOf(program, { hideBounds: true }));
    });
    it('are valid WGSL on tensor cores', async () => {
      const tiles = defaultTiles(onTensorCores(MATRICES[0]!, 16384));
      const kernels = kernelsOf(program, { format: 'f16', tiles });
      expect(kernels.some(({ source }) => source.includes('subgroupMatrixLoad'))).toBe(true);
      await check(kernels);
    });
  });

  it.each([
    ['in float32', false, ['f32', 'f16', 'packed'], 150],
    ['with operands in half precision', true, ['f16', 'packed'], 90],
  ] as const)('are valid WGSL at every tile shape %s', async (_, halfStaging, formats, least) => {
    let count = 0;
    for (const program of SHAPES) {
      count += await check(withEveryTile(program, onlyStaged(halfStaging), formats));
    }
    expect(count).toBeGreaterThan(least);
  });

  it.each(MATRICES)(
    'are valid WGSL at every tile shape on matrices of $m × $n × $k in $result',
    async (size) => {
      let count = 0;
      for (const program of SHAPES) {
        const candidates = onTensorCores(size, 16384);
        count += await check(withEveryTile(program, candidates, ['f16']));
      }
      expect(count).toBeGreaterThan(40);
    },
  );

  it('are valid WGSL on tensor cores with the workgroup memory of a GPU', async () => {
    const candidates = onTensorCores(MATRICES[0]!, 32768);
    let count = 0;
    for (const { source, label } of withEveryTile(SHAPES[0]!, candidates, ['f16', 'packed'])) {
      if (checked.has(source)) continue;
      checked.add(source);
      count++;
      // The null backend has 16 KiB, so it can make no pipeline of most of them.
      device.gpu.pushErrorScope('validation');
      device.gpu.createShaderModule({ label, code: source });
      expect((await device.gpu.popErrorScope())?.message).toBeUndefined();
    }
    expect(count).toBeGreaterThan(100);
  });

  it('would not pass if they were not', async () => {
    const [kernel] = kernelsOf(PROGRAMS[0]![1]);
    const broken = { ...kernel!, source: kernel!.source.replace('vec4f', 'vec5f') };
    await expect(device.pipeline(broken)).rejects.toThrow(/convolution conv1.*vec5f/s);
  });
});

/** Register tiles of one staging. */
function onlyStaged(half: boolean): TileCandidates {
  const { name, product, gradient } = tileCandidates({ halfStaging: half });
  return {
    name,
    gradient,
    product: (shape, direction) =>
      product(shape, direction).filter(({ staging }) => staging === (half ? 'f16' : 'f32')),
  };
}

/** Subgroups and matrices cover the tile, and the workgroup's threads are exactly theirs. */
function expectWhole(shape: ProductShape, tile: ProductTile): void {
  const { unit, pixelGroups, channelGroups, pixels, channels } = tile.matrices!;
  const { resultRow } = productPlaces(shape, tile);
  expect(pixelGroups * channelGroups * unit.subgroupSize).toBe(productThreads(tile));
  expect(channelGroups * channels * unit.n).toBe(tile.channels);
  const numbers = (tile.rows - 1) * resultRow + tile.columns;
  expect(pixelGroups * pixels * unit.m).toBeGreaterThanOrEqual(numbers);
}

describe('portable limits', () => {
  const cases: readonly (readonly [string, CandidateOptions, number])[] = [
    ['in float32', {}, 16384],
    ['in half precision', { halfStaging: true }, 16384],
    ...MATRICES.flatMap((size) =>
      [16384, 32768].map((workgroupBytes) => {
        const unit = { ...size, subgroupSize: 32, asksForSize: false, emulated: false };
        const options = { matrices: unit, workgroupBytes };
        return [
          `on ${size.m}×${size.n}×${size.k} at ${workgroupBytes}`,
          options,
          workgroupBytes,
        ] as const;
      }),
    ),
  ];
  it.each(cases)('hold for every tile %s: 256 threads, workgroup memory', (_, options, bytes) => {
    const candidates = tileCandidates(options);
    let tiles = 0;
    for (const [, program] of PROGRAMS) {
      const { body } = compileKernels(program, {
        tiles: {
          product(shape, direction) {
            const all = candidates.product(shape, direction);
            for (const tile of all) {
              tiles++;
              const threads = productThreads(tile);
              expect(threads).toBeLessThanOrEqual(256);
              const needed = tile.matrices
                ? matrixProductBytes(shape, tile)
                : productBytes(shape, tile);
              expect(needed).toBeLessThanOrEqual(bytes);
              expect([shape.size % tile.rows, shape.size % tile.columns]).toEqual([0, 0]);
              if (tile.matrices) expectWhole(shape, tile);
            }
            return all[0]!;
          },
          gradient(conv) {
            const all = candidates.gradient(conv);
            for (const tile of all) {
              tiles++;
              expect(gradientThreads(tile)).toBeLessThanOrEqual(256);
              expect(conv.outSize % tile.rows).toBe(0);
            }
            return all[0]!;
          },
        },
      });
      expect(body.length).toBeGreaterThan(0);
    }
    expect(tiles).toBeGreaterThan(100);
  });

  it('hold for every kernel: 8 storage buffers', () => {
    for (const [, program] of PROGRAMS) {
      for (const { bindings } of kernelsOf(program)) {
        const storage = bindings.filter(({ access }) => access !== 'uniform');
        expect(storage.length).toBeLessThanOrEqual(8);
      }
    }
  });

  it('layers of one shape share their pipelines', () => {
    const texts = (arch: string) =>
      new Set(kernelsOf(train(arch, 'A')).map(({ source }) => source)).size;
    expect(texts('resnet110')).toBe(texts('resnet20'));
  });
});
