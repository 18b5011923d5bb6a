// A data set on the device: the kernel that gathers a batch finds every image, wherever it lies, and a
// step with them has the bits of a step whose batch brought the bytes.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createBatch, epochOrder, makeBatch } from '../../../src/data/batches.ts';
import { IMAGE_BYTES } from '../../../src/data/dataset.ts';
import type { Backend } from '../../../src/engine/backend.ts';
import { lowerTraining } from '../../../src/engine/lower-train.ts';
import { openDevice } from '../../../src/engine/webgpu/adapter.ts';
import type { WebGpuBackend } from '../../../src/engine/webgpu/backend.ts';
import { Device, STORAGE } from '../../../src/engine/webgpu/device.ts';
import { DeviceImages, gatherKernel } from '../../../src/engine/webgpu/held-images.ts';
import { createNodeGpuHost } from '../../../src/engine/webgpu/host.node.ts';
import { ReadbackPool } from '../../../src/engine/webgpu/readback.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import { Feed } from '../../../src/train/feed.ts';
import {
  collect,
  identity,
  randomSplit,
  timeless,
  tinyConfig,
  tinyDataset,
  tinyTrainer,
} from '../../train/support/tiny.ts';
import { findTestAdapter, openTestBackend } from './adapter.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const adapter = await findTestAdapter();
const BATCH = 4;
const split = randomSplit(11, 'train');

describe.skipIf(!adapter)('the gathering of images', () => {
  let device: Device;
  let target: GPUBuffer;
  beforeAll(async () => {
    device = new Device(await openDevice(createNodeGpuHost()));
    target = device.gpu.createBuffer({ size: BATCH * IMAGE_BYTES, usage: STORAGE });
  });
  afterAll(() => device.dispose());

  async function gather(images: DeviceImages, indices: number[]): Promise<Uint8Array> {
    images.select(Uint32Array.from(indices), indices.length);
    const encoder = device.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    images.gather(pass, indices.length);
    pass.end();
    const readback = new ReadbackPool(device);
    const copy = readback.copy(encoder, target, indices.length * IMAGE_BYTES);
    device.gpu.queue.submit([encoder.finish()]);
    const bytes = new Uint8Array((await copy.values()).buffer);
    readback.dispose();
    return bytes;
  }

  const chosen = [10, 3, 3, 7];
  const order = Uint32Array.from(chosen);
  const expected = makeBatch(split, order, 0, BATCH, createBatch(BATCH)).images;

  it.each([
    ['one buffer', undefined],
    ['four buffers, the last one smaller', 3 * IMAGE_BYTES + 100],
  ])('finds them in %s', async (_, bindingBytes) => {
    const images = await DeviceImages.create(device, split.images, target, bindingBytes);
    expect(await gather(images!, chosen)).toEqual(expected);
    expect(await gather(images!, [2])).toEqual(
      split.images.slice(2 * IMAGE_BYTES, 3 * IMAGE_BYTES),
    );
    images!.dispose();
  });

  it('is left to the host where a kernel may not read even one', async () => {
    const images = await DeviceImages.create(device, split.images, target, IMAGE_BYTES - 4);
    expect(images).toBeUndefined();
  });

  it('refuses images that there are not', async () => {
    const images = await DeviceImages.create(device, split.images, target);
    for (const index of [11, 2 ** 32 - 1]) {
      expect(() => images!.select(Uint32Array.of(0, index), 2)).toThrow(RangeError);
    }
    images!.dispose();
  });
});

describe.skipIf(!adapter)('images on the device', () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await openTestBackend();
  });
  afterAll(() => backend.dispose());

  it('make steps of the same bits as bytes that come with each batch', async () => {
    const network = createNetwork('resnet8', { classes: 3 });
    const program = lowerTraining(network, { batchSize: BATCH });
    const order = epochOrder(1, 0, split.count, true);
    const sgd = () => ({ learningRate: 0.02, momentum: 0.9, weightDecay: 1e-3 });
    const train = async (holding: boolean) => {
      const executable = await backend.compile(program);
      const weights = (await executable.read('parameters')).map((_, i) => Math.sin(i) / 10);
      await executable.write('parameters', weights);
      await executable.write('normalization', new Float32Array(3 + IMAGE_BYTES).fill(0.01));
      const feed = holding ? await Feed.holding(executable, split) : new Feed(executable, split);
      const metrics = [];
      const movement = { seed: 1, epoch: 0 };
      for await (const done of feed.run({ order, first: 0, end: 3, movement, sgd })) {
        metrics.push(done.metrics);
      }
      const state = [];
      for (const buffer of ['parameters', 'momentum', 'running'] as const) {
        state.push(await executable.read(buffer));
      }
      await executable.dispose();
      return { metrics, state };
    };
    const brought = await train(false);
    expect(brought.metrics.map(({ count }) => count)).toEqual([4, 4, 3]);
    expect(brought.metrics.every(({ lossSum }) => lossSum > 0)).toBe(true);
    expect(await train(true)).toEqual(brought);
  });

  it('and several steps in flight train as bytes and one step after the other do', async () => {
    const config = tinyConfig({ epochs: 1, batchSize: BATCH });
    const dataset = tinyDataset({ train: 23, test: 5 });
    const train = async (backend: Backend) => {
      const trainer = await tinyTrainer(backend, { config, dataset });
      const events = await collect(trainer.run());
      const bits = await identity(await trainer.snapshot());
      await trainer.dispose();
      return { events: events.map(timeless), bits };
    };
    expect(await train(backend)).toEqual(await train(oneAfterTheOther(backend)));
  });
});

/** The backend without what it offers beyond a step at a time. */
function oneAfterTheOther(backend: Backend): Backend {
  return {
    ...backend,
    async compile(program, from) {
      const executable = await backend.compile(program, from);
      return {
        program,
        memoryBytes: executable.memoryBytes,
        write: (buffer, values) => executable.write(buffer, values),
        read: (buffer) => executable.read(buffer),
        run: (batch) => executable.run(batch),
        dispose: () => executable.dispose(),
      };
    },
  };
}

it('the kernel that gathers images is valid WGSL', async () => {
  const device = new Device(await openDevice(createNodeGpuHost({ backend: 'null' })));
  await device.pipeline(gatherKernel(0));
  await device.pipeline(gatherKernel(43690));
  device.check();
  device.dispose();
});
