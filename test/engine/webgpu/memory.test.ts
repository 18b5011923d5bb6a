import { describe, expect, it } from 'vitest';
import { lowerTraining } from '../../../src/engine/lower-train.ts';
import { compileKernels } from '../../../src/engine/webgpu/compile.ts';
import {
  planDeviceMemory,
  resourceKey,
  transientBytes,
} from '../../../src/engine/webgpu/memory.ts';
import { createNetwork } from '../../../src/nn/network.ts';

const GIB = 2 ** 30;

function planOf(
  arch: string,
  memory: 'keep' | 'recompute',
  format: 'f32' | 'f16',
  batchSize = 128,
) {
  const network = createNetwork(arch, { shortcut: 'A' });
  const program = lowerTraining(network, { batchSize, memory });
  const compiled = compileKernels(program, { format });
  return { program, compiled, plan: planDeviceMemory(program, compiled) };
}

describe('device memory', () => {
  it('ResNet-1202 fits in 8 GB in float32 and in 4 GB with half-precision feature maps', () => {
    expect(planOf('resnet1202', 'recompute', 'f32').plan.bytes).toBeLessThan(8e9);
    expect(planOf('resnet1202', 'recompute', 'f16').plan.bytes).toBeLessThan(4e9);
  });

  it('is little more than the activations that are kept', () => {
    const { plan, program } = planOf('resnet20', 'keep', 'f32');
    expect(plan.bytes).toBeGreaterThan(program.bytes * 0.9);
    expect(plan.bytes).toBeLessThan(program.bytes * 1.3);
    expect(plan.bytes).toBeLessThan(0.5 * GIB);
  });

  it.each(['keep', 'recompute'] as const)('never gives a slot to two at a time (%s)', (memory) => {
    const { program, compiled, plan } = planOf('resnet14', memory, 'f32', 8);
    const kernels = compiled.body;
    const life = new Map<string, { first: number; last: number }>();
    kernels.forEach(({ bindings }, time) => {
      for (const { resource } of bindings) {
        const key = resourceKey(resource);
        const slot = plan.slotOf.get(key);
        if (slot === undefined) continue;
        expect(plan.slots[slot]!).toBeGreaterThanOrEqual(
          transientBytes(program, compiled, resource),
        );
        life.set(key, { first: life.get(key)?.first ?? time, last: time });
      }
    });
    const lives = [...life];
    let shared = 0;
    for (const [a, { first, last }] of lives) {
      for (const [b, other] of lives) {
        if (a >= b || plan.slotOf.get(a) !== plan.slotOf.get(b)) continue;
        shared++;
        expect(last < other.first || other.last < first, `${a} and ${b}`).toBe(true);
      }
    }
    expect(shared).toBeGreaterThan(0);
  });
});
