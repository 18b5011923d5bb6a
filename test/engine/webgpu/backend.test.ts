// What the backend does with the state that an executable is to go on from, on Dawn's null backend.

import { afterEach, describe, expect, it } from 'vitest';
import { lowerTraining } from '../../../src/engine/lower-train.ts';
import {
  createWebGpuBackend,
  type WebGpuBackend,
  type WebGpuOptions,
} from '../../../src/engine/webgpu/backend.ts';
import { createNodeGpuHost } from '../../../src/engine/webgpu/host.node.ts';
import { createNetwork } from '../../../src/nn/network.ts';

const program = lowerTraining(createNetwork('resnet8', { shortcut: 'A' }), { batchSize: 2 });
const lossScale = { scale: 512, goodSteps: 7 };

let backend: WebGpuBackend;
afterEach(() => backend.dispose());
async function open(options: Partial<WebGpuOptions> = {}): Promise<WebGpuBackend> {
  backend = await createWebGpuBackend({ gpu: createNodeGpuHost({ backend: 'null' }), ...options });
  return backend;
}

describe('the WebGPU backend', () => {
  it('goes on with the tiles of the same device', async () => {
    const { adapter, compile } = await open();
    const state = { adapter: adapter.name, tiles: { 'weightGradient 64-64 8 k3 s1': 'rows 2' } };
    expect(await (await compile(program, state)).readState()).toEqual(state);
  });

  it('does not believe the tiles of another', async () => {
    const { compile } = await open();
    const state = { adapter: 'Another GPU', tiles: { 'weightGradient 64-64 8 k3 s1': 'rows 2' } };
    expect(await (await compile(program, state)).readState()).toEqual({});
  });

  it('takes fixed tiles on a device that only software makes, and says so', async () => {
    const { facts, compile } = await open({ tune: 'auto' });
    expect(facts).toMatchObject({ tiles: 'fixed', half: false, softwareAdapter: true });
    expect(await (await compile(program)).readState()).toEqual({});
  });

  it('has a loss scale in half precision only', async () => {
    const { facts, compile } = await open({ half: true });
    expect(facts.half).toBe(true);
    // Its value is a matter for an adapter that computes (half-resume.test.ts).
    expect(Object.keys(await (await compile(program, { lossScale })).readState())).toEqual([
      'lossScale',
    ]);
    await backend.dispose();
    const float32 = await open();
    expect(await (await float32.compile(program, { lossScale })).readState()).toEqual({});
  });
});
