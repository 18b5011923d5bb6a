// Times of kernels, and what they are set beside: the bytes and the arithmetic that they have to do, at
// the rates that the device was measured to have. How fast anything is is not asked here.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { lowerInference } from '../../../src/engine/lower-infer.ts';
import { lowerTraining } from '../../../src/engine/lower-train.ts';
import type { WebGpuBackend } from '../../../src/engine/webgpu/backend.ts';
import { type Ceilings, floorOf, requireTimestamps } from '../../../src/engine/webgpu/ceilings.ts';
import { compileKernels } from '../../../src/engine/webgpu/compile.ts';
import type { Device } from '../../../src/engine/webgpu/device.ts';
import { boundBytesPerImage } from '../../../src/engine/webgpu/memory.ts';
import type { StorageFormat } from '../../../src/engine/webgpu/storage.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import { randomBatch } from '../../conformance/cases.ts';
import { findTestAdapter, openTestBackend } from './adapter.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const adapter = await findTestAdapter();
const network = createNetwork('resnet8', { shortcut: 'A' });

describe.skipIf(!adapter)('a step with every kernel timed', () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await openTestBackend();
  });
  afterAll(() => backend.dispose());

  it('names kernels, by a clock that is finer than 65 µs', async () => {
    const executable = await backend.compile(lowerInference(network, { batchSize: 2 }));
    const timings = await executable.time(randomBatch(10, 2, 1));
    await executable.dispose();
    expect(timings.map(({ name }) => name)).toContain('convolutionInference layer3.0.conv2');
    // Dawn rounds to 2¹⁶ ns unless it is told not to; on a GPU that is most kernels' whole time.
    const nanoseconds = timings.map(({ milliseconds }) => Math.round(1e6 * milliseconds));
    expect(nanoseconds.some((time) => time % 2 ** 16 !== 0)).toBe(true);
    expect(nanoseconds.every((time) => time >= 0)).toBe(true);
  });

  it('measures what the device could do', async () => {
    const { gflops, copies } = await backend.measureCeilings();
    expect(gflops).toBeGreaterThan(0.01);
    expect(gflops).toBeLessThan(1e6);
    expect(copies.length).toBeGreaterThan(0);
    for (const { gigabytesPerSecond } of copies) expect(gigabytesPerSecond).toBeGreaterThan(0.01);
  });
});

it('says so where the adapter has no timestamps', () => {
  const device = { gpu: { features: new Set() }, facts: { name: 'Toy' } } as unknown as Device;
  expect(() => requireTimestamps(device)).toThrow(
    expect.objectContaining({
      message:
        'The GPU "Toy" has no timestamps, so that the times of its operations cannot be measured.',
      coded: { code: 'no-timestamps', facts: { gpu: 'Toy' } },
    }),
  );
});

describe('bytes of a kernel', () => {
  const program = lowerTraining(network, { batchSize: 4 });
  const bytesOf = (label: string, format: StorageFormat) => {
    const compiled = compileKernels(program, { format });
    const kernel = compiled.body.find((each) => each.label === label);
    return boundBytesPerImage(program, compiled, kernel!);
  };
  const map = 32 * 32 * 16;

  it('are those of the feature maps that it reads and writes, each once', () => {
    expect(bytesOf('convolution layer1.0.conv2', 'f32')).toBe(2 * 4 * map);
  });
  it('are half as many in half precision', () => {
    expect(bytesOf('convolution layer1.0.conv2', 'f16')).toBe(2 * 2 * map);
    expect(bytesOf('convolution layer1.0.conv2', 'packed')).toBe(2 * 2 * map);
  });
  it('include the images and where they are cut out', () => {
    expect(bytesOf('convolution conv1', 'f32')).toBe(32 * 32 * 3 + 3 * 4 + 4 * map);
  });
  it('are none for what works on weights alone', () => {
    expect(bytesOf('sgd', 'f32')).toBe(0);
  });
});

describe('the floor of an operation', () => {
  const ceilings: Ceilings = {
    gflops: 1000,
    copies: [
      { bytes: 1e6, gigabytesPerSecond: 400 },
      { bytes: 1e8, gigabytesPerSecond: 100 },
    ],
  };
  it('is its arithmetic at the rate of multiply-adds, two operations each', () => {
    const floor = floorOf({ multiplyAdds: 5e8, bytes: 1000 }, ceilings);
    expect(floor).toEqual({ milliseconds: 1, bound: 'arithmetic' });
  });
  it('is its bytes at the rate of a copy as large, where that takes longer', () => {
    expect(floorOf({ multiplyAdds: 0, bytes: 4e5 }, ceilings).milliseconds).toBeCloseTo(0.001, 9);
    expect(floorOf({ multiplyAdds: 0, bytes: 1e7 }, ceilings).milliseconds).toBeCloseTo(0.1, 9);
    const floor = floorOf({ multiplyAdds: 1, bytes: 1e9 }, ceilings);
    expect(floor).toEqual({ milliseconds: 10, bound: 'bytes' });
  });
});
