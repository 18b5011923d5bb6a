// What the backend promises beside right numbers: the same bits every time, steps that may overlap,
// and errors that say what to do.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { lowerInference } from '../../../src/engine/lower-infer.ts';
import { lowerTraining } from '../../../src/engine/lower-train.ts';
import { openDevice } from '../../../src/engine/webgpu/adapter.ts';
import type { WebGpuBackend } from '../../../src/engine/webgpu/backend.ts';
import type { GpuHost } from '../../../src/engine/webgpu/host.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import { randomBatch } from '../../conformance/cases.ts';
import { trainedState } from '../../conformance/outcome.ts';
import { findTestAdapter, openTestBackend } from './adapter.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const adapter = await findTestAdapter();
const network = createNetwork('resnet8', { shortcut: 'A' });
const BATCH = 4;
const program = lowerTraining(network, { batchSize: BATCH });
const SGD = { learningRate: 0.02, momentum: 0.9, weightDecay: 1e-3 };

describe.skipIf(!adapter)('the WebGPU backend', () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await openTestBackend();
  });
  afterAll(() => backend.dispose());

  const batches = [0, 1, 2].map((i) => randomBatch(10, BATCH, i));

  it('computes the same bits each time', async () => {
    const first = await trainedState(backend, program, batches);
    expect(await trainedState(backend, program, batches)).toEqual(first);
  });

  it('runs steps that were started without waiting in their order', async () => {
    const runs = async (waiting: boolean) => {
      const executable = await backend.compile(program);
      const running = [];
      for (const batch of batches) {
        const run = executable.run({ ...batch, sgd: SGD });
        if (waiting) await run;
        running.push(run);
      }
      const metrics = await Promise.all(running);
      const parameters = await executable.read('parameters');
      await executable.dispose();
      return { metrics, parameters };
    };
    expect(await runs(false)).toEqual(await runs(true));
  });

  it('leaves the weights alone without SGD settings', async () => {
    const executable = await backend.compile(program);
    const before = (await executable.read('parameters')).fill(0.01);
    await executable.write('parameters', before);
    await executable.run(batches[0]!);
    expect(await executable.read('parameters')).toEqual(before);
    expect((await executable.read('gradients')).some((value) => value !== 0)).toBe(true);
    await executable.dispose();
  });

  it('passes NaN on, as PyTorch does', async () => {
    const executable = await backend.compile(lowerInference(network, { batchSize: BATCH }));
    const parameters = (await executable.read('parameters')).fill(0.01);
    parameters[0] = Number.NaN;
    await executable.write('parameters', parameters);
    const { lossSum } = await executable.run(batches[0]!);
    expect(lossSum).toBeNaN();
    await executable.dispose();
  });

  it('refuses batches of the wrong size', async () => {
    const executable = await backend.compile(lowerInference(network, { batchSize: BATCH }));
    for (const count of [0, BATCH + 1, 1.5]) {
      await expect(executable.run({ ...batches[0]!, count })).rejects.toThrow(RangeError);
    }
    await executable.dispose();
  });

  it('says how large a batch cannot be', async () => {
    const huge = lowerInference(network, { batchSize: 2 ** 17 });
    await expect(backend.compile(huge)).rejects.toThrow(/use a smaller batch/);
  });

  it('names the adapters there are when none has the name', async () => {
    await expect(openTestBackend({ adapterName: 'no such thing' })).rejects.toThrow(
      /No GPU has "no such thing" in its name; there/,
    );
  });
});

describe('without an adapter', () => {
  it('says what to do', async () => {
    const host: GpuHost = {
      open: async () => ({ requestAdapter: async () => null }) as unknown as GPU,
      describes: 'adapter',
      mayHaveGpu: () => true,
      adviceWithoutAdapter: 'Install a driver.',
    };
    await expect(openDevice(host)).rejects.toThrow('finds no usable GPU. Install a driver.');
  });
});
