// Whether a training step keeps its activations: the backend says whether there is room.

import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/engine/backend.ts';
import { lowerTraining, lowerTrainingFor } from '../../src/engine/lower-train.ts';
import type { Program } from '../../src/engine/program.ts';
import { memoryPlanner, recomputes } from '../../src/engine/wasm/plan-executable.ts';
import { hasRoom } from '../../src/engine/webgpu/bind.ts';
import { compileKernels } from '../../src/engine/webgpu/compile.ts';
import type { Device } from '../../src/engine/webgpu/device.ts';
import { planDeviceMemory } from '../../src/engine/webgpu/memory.ts';
import { createNetwork } from '../../src/nn/network.ts';

const GIB = 2 ** 30;
const small = createNetwork('resnet8');

describe('the memory of a training step', () => {
  it.each([true, false])('is what the backend has room for (%s)', async (fits) => {
    const asked: Program[] = [];
    const backend: Pick<Backend, 'plan'> = {
      plan: async (program) => {
        asked.push(program);
        return { bytes: 1, fits };
      },
    };
    for (const memory of ['auto', undefined] as const) {
      const program = await lowerTrainingFor(backend, small, { batchSize: 2, memory });
      expect(recomputes(program)).toBe(!fits);
    }
    expect(asked.map(recomputes)).toEqual([false, false]);
  });

  it('is what is asked for, whatever there is room for', async () => {
    const backend: Pick<Backend, 'plan'> = {
      plan: () => Promise.reject(new Error('nobody needs to know')),
    };
    for (const memory of ['keep', 'recompute'] as const) {
      const program = await lowerTrainingFor(backend, small, { batchSize: 2, memory });
      expect(recomputes(program)).toBe(memory === 'recompute');
    }
  });
});

describe('ResNet-1202 at batch 128, left to choose', () => {
  const options = { batchSize: 128 };
  const deep = createNetwork('resnet1202');

  it('recomputes in the 4 GiB of WebAssembly, and keeps what fits there', async () => {
    const planner = memoryPlanner('winograd4', 2);
    expect(recomputes(await lowerTrainingFor(planner, deep, options))).toBe(true);
    const medium = createNetwork('resnet110');
    const program = await lowerTrainingFor(planner, medium, options);
    expect(recomputes(program)).toBe(false);
    expect(await planner.plan(program)).toMatchObject({ fits: true });
  });

  /** A GPU with so much memory, of which a buffer may take so much; what is made is given back. */
  function gpu(memory: number, largestBuffer: number, isSoftware = false) {
    let taken = 0;
    const device = {
      largestBuffer,
      facts: { isSoftware },
      async tryAllocate(sizes: readonly { bytes: number }[]) {
        const made = sizes.map(({ bytes }) => {
          expect(bytes).toBeLessThanOrEqual(largestBuffer);
          taken += bytes;
          return {
            destroy() {
              taken -= bytes;
            },
          };
        });
        if (taken <= memory) return made;
        for (const buffer of made) buffer.destroy();
        return undefined;
      },
    } as unknown as Device;
    const plan = async (program: Program) => {
      const needed = planDeviceMemory(program, compileKernels(program));
      return { bytes: needed.bytes, fits: await hasRoom(device, needed) };
    };
    return { plan, taken: () => taken };
  }

  it.each([
    ['keeps on a GPU of 80 GiB', gpu(80 * GIB, 4 * GIB), false],
    ['recomputes on one of 8 GiB', gpu(8 * GIB, 2 * GIB), true],
    ['recomputes where a buffer may not be as large as a map', gpu(80 * GIB, 4e6), true],
    ['recomputes on a software adapter, whose memory nobody knows', gpu(80 * GIB, GIB, true), true],
  ])('%s', async (_, device, expected) => {
    const program = await lowerTrainingFor(device, deep, options);
    expect(recomputes(program)).toBe(expected);
    expect(device.taken(), 'what was tried is given back').toBe(0);
  });

  it('is as large when kept as what is kept is', () => {
    const { bytes } = lowerTraining(deep, { ...options, memory: 'keep' });
    expect(bytes).toBeGreaterThan(8 * GIB);
  });
});
