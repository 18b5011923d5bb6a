// The text of every kernel, checked by Dawn's compiler without a GPU: Dawn's null backend validates WGSL
// and pipelines and computes nothing.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lowerInference } from '../../../src/engine/lower-infer.ts';
import { lowerTraining } from '../../../src/engine/lower-train.ts';
import type { Program } from '../../../src/engine/program.ts';
import { openDevice } from '../../../src/engine/webgpu/adapter.ts';
import { type CompileOptions, compileKernels } from '../../../src/engine/webgpu/compile.ts';
import { Device } from '../../../src/engine/webgpu/device.ts';
import { createNodeGpuHost } from '../../../src/engine/webgpu/host.node.ts';
import type { Kernel } from '../../../src/engine/webgpu/kernel.ts';
import {
  gradientThreads,
  gradientTiles,
  productThreads,
  productTiles,
  productVectors,
  WORKGROUP_BYTES,
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

describe('the kernels', () => {
  let device: Device;
  const checked = new Set<string>();
  beforeAll(async () => {
    device = new Device(await openDevice(createNodeGpuHost({ backend: 'null' })));
  });
  afterAll(() => device.dispose());

  async function check(kernels: readonly Kernel[]): Promise<void> {
    for (const kernel of kernels) {
      if (checked.has(kernel.source)) continue;
      checked.add(kernel.source);
      await device.pipeline(kernel);
    }
    device.check();
  }

  describe.each(PROGRAMS)('of %s', (_, program) => {
    it.each(['f32', 'f16', 'packed'] as const)('are valid WGSL with %s activations', (format) =>
      check(kernelsOf(program, { format })),
    );
    it('are valid WGSL with hidden loop bounds', () =>
      check(kernelsOf(program, { hideBounds: true })));
  });

  it('are valid WGSL at every tile shape that may be measured', async () => {
    for (const [, program] of PROGRAMS) {
      for (let choice = 1; choice < 60; choice++) {
        const pick = <T>(tiles: readonly T[]): T => tiles[choice % tiles.length]!;
        const tiles = {
          product: (shape: Parameters<typeof productTiles>[0]) => pick(productTiles(shape)),
          gradient: (conv: Parameters<typeof gradientTiles>[0]) => pick(gradientTiles(conv)),
        };
        await check(kernelsOf(program, { tiles }));
      }
    }
    expect(checked.size).toBeGreaterThan(500);
  });

  it('would not pass if they were not', async () => {
    const [kernel] = kernelsOf(PROGRAMS[0]![1]);
    const broken = { ...kernel!, source: kernel!.source.replace('vec4f', 'vec5f') };
    await expect(device.pipeline(broken)).rejects.toThrow(/convolution conv1.*vec5f/s);
  });
});

describe('portable limits', () => {
  it('hold for every tile: 256 threads, 16 KiB of workgroup memory', () => {
    let tiles = 0;
    for (const [, program] of PROGRAMS) {
      compileKernels(program, {
        tiles: {
          product(shape) {
            for (const tile of productTiles(shape)) {
              tiles++;
              expect(productThreads(tile)).toBeLessThanOrEqual(256);
              expect(16 * productVectors(shape, tile).all).toBeLessThanOrEqual(WORKGROUP_BYTES);
              expect([shape.size % tile.rows, shape.size % tile.columns]).toEqual([0, 0]);
            }
            return productTiles(shape)[0]!;
          },
          gradient(conv) {
            for (const tile of gradientTiles(conv)) {
              tiles++;
              expect(gradientThreads(tile)).toBeLessThanOrEqual(256);
              expect(conv.outSize % tile.rows).toBe(0);
            }
            return gradientTiles(conv)[0]!;
          },
        },
      });
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
