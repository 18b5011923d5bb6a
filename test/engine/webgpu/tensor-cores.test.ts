// When tensor cores are taken, and what is said where they are not, on Dawn's null backend: it has the
// feature, tells of no matrices, and computes nothing.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDevice } from '../../../src/engine/webgpu/adapter.ts';
import { createWebGpuBackend } from '../../../src/engine/webgpu/backend.ts';
import { defaultTiles, tileCandidates } from '../../../src/engine/webgpu/candidates.ts';
import { Device } from '../../../src/engine/webgpu/device.ts';
import { createNodeGpuHost } from '../../../src/engine/webgpu/host.node.ts';
import { forwardProduct, inputGradientProduct } from '../../../src/engine/webgpu/product.ts';
import {
  emulatedUnit,
  openTensorCores,
  TENSOR_CORE_FEATURES,
  usableSizes,
} from '../../../src/engine/webgpu/tensor-cores.ts';

const gpu = createNodeGpuHost({ backend: 'null' });

let device: Device;
beforeAll(async () => {
  device = new Device(await openDevice(gpu, undefined, TENSOR_CORE_FEATURES));
});
afterAll(() => device.dispose());

/** The device, which tells another story. */
function pretending({
  features = [...TENSOR_CORE_FEATURES, 'subgroups', 'shader-f16'],
  subgroups = [32, 32],
  configs = [],
}: {
  features?: readonly string[];
  subgroups?: readonly [number, number];
  configs?: readonly object[];
}): Device {
  const adapterInfo = {
    subgroupMinSize: subgroups[0],
    subgroupMaxSize: subgroups[1],
    subgroupMatrixConfigs: configs,
  };
  const handler: ProxyHandler<GPUDevice> = {
    get(target, name) {
      if (name === 'features') return new Set(features);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  };
  const pretender = Object.create(device, {
    gpu: { value: new Proxy(device.gpu, handler) },
    info: { value: adapterInfo },
  });
  return pretender as Device;
}

/** As an adapter says it: m × n × k. */
function config(M: number, N: number, K: number, componentType = 'f16', result = componentType) {
  return { M, N, K, componentType, resultComponentType: result };
}

describe('tensor cores', () => {
  it.each([
    ['off', true],
    ['auto', false],
    ['auto', true],
  ] as const)('that are %s are not missed (half precision: %s)', async (want, half) => {
    expect(await openTensorCores(pretending({}), want, half)).toBeUndefined();
  });

  it('need half precision', async () => {
    await expect(openTensorCores(device, 'on', false)).rejects.toMatchObject({
      message: 'Tensor cores multiply in half precision: turn it on, or leave them away.',
      coded: { code: 'tensor-cores-need-half' },
    });
  });

  it.each([
    [
      'features',
      { features: ['shader-f16'] },
      /does not offer chromium-experimental-subgroup-matrix, subgroups: leave the choice to the engine/,
    ],
    [
      'subgroups of one size',
      { features: [TENSOR_CORE_FEATURES[0]!, 'subgroups', 'shader-f16'], subgroups: [8, 32] },
      /has subgroups of several sizes and leaves no choice/,
    ],
    [
      'any matrices, not even those that it does not tell of',
      { subgroups: [4, 128] },
      /multiplies matrices of 16×16×16 f16→f32 wrongly/,
    ],
    [
      'matrices of its size',
      { configs: [config(16, 16, 32, 'i8', 'i32'), config(32, 8, 16), config(8, 8, 8, 'f32')] },
      /it offers 32×8×16 f16→f16, 8×8×8 f32→f32:/,
    ],
    [
      'right products',
      { configs: [config(16, 16, 16, 'f16', 'f32')], subgroups: [4, 128] },
      /multiplies matrices of 16×16×16 f16→f32 wrongly/,
    ],
    [
      'kernels that it compiles',
      // Its subgroups have up to 128 threads, not 32.
      { configs: [config(16, 16, 16)], subgroups: [32, 32] },
      /does not understand the kernels \(.*workgroup_size/,
    ],
  ] as const)(
    'that are insisted on, on a GPU without %s, are told of',
    async (_, story, message) => {
      const attempt = openTensorCores(pretending(story), 'on', true);
      await expect(attempt).rejects.toThrow(message);
      expect(await openTensorCores(pretending(story), 'auto', true)).toBeUndefined();
    },
  );

  it('are used with float32 sums and large matrices first', () => {
    const size = (m: number, n: number, k: number, result: 'f16' | 'f32') =>
      ({ m, n, k, element: 'f16', result }) as const;
    const best = size(16, 16, 16, 'f32');
    const small = size(16, 8, 16, 'f32');
    const half = size(16, 16, 16, 'f16');
    expect(usableSizes([half, size(16, 16, 4, 'f32'), small, best])).toEqual([best, small, half]);
  });

  it('come first for the gradients of weights, and leave the other products to registers', () => {
    const matrices = emulatedUnit({ m: 16, n: 8, k: 16, element: 'f16', result: 'f32' });
    const options = { workgroupBytes: 49152, halfStaging: true };
    const candidates = tileCandidates({ ...options, matrices });
    const registers = tileCandidates(options);
    for (const stride of [1, 2] as const) {
      const shape = { kernel: 3, stride, inSize: 32, outSize: 32 / stride } as const;
      const conv = { ...shape, name: 'conv', inChannels: 16, outChannels: 32, weight: 0 };
      expect(defaultTiles(candidates).gradient(conv).matrices).toBeDefined();
      for (const { shape, direction } of [forwardProduct(conv), inputGradientProduct(conv)]) {
        const tiles = candidates.product(shape, direction);
        expect(tiles).toEqual(registers.product(shape, direction));
      }
    }
  });

  it('are part of what the backend says of itself', async () => {
    const backend = await createWebGpuBackend({ gpu, half: true });
    expect(backend.facts).toMatchObject({ tensorCores: 'none' });
    await backend.dispose();
    const emulatedTensorCores = { m: 8, n: 8, k: 8, element: 'f16', result: 'f32' } as const;
    const emulating = await createWebGpuBackend({ gpu, half: true, emulatedTensorCores });
    expect(emulating.facts).toMatchObject({ tensorCores: '8×8×8 f16→f32' });
    expect(emulating.description).toContain('tensor cores (8×8×8 f16→f32)');
    await emulating.dispose();
  });

  it('leave nothing open where they are missing', async () => {
    const attempt = createWebGpuBackend({ gpu, half: true, tensorCores: 'on' });
    await expect(attempt).rejects.toMatchObject({
      message: expect.stringMatching(
        /^Tensor cores were asked for, and the GPU ".*" multiplies matrices .* wrongly: leave/,
      ),
      coded: { code: 'tensor-cores-missing' },
    });
  });
});
