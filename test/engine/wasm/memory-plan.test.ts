// The memory plan is what `table6 summary --train` prints, so it must be what a step really takes.

import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { lowerInference } from '../../../src/engine/lower-infer.ts';
import {
  type Activations,
  lowerTraining,
  lowerTrainingFor,
} from '../../../src/engine/lower-train.ts';
import { planOfMemory } from '../../../src/engine/wasm/memory-plan.ts';
import { memoryPlanner } from '../../../src/engine/wasm/plan-executable.ts';
import { createNetwork } from '../../../src/nn/network.ts';

const plan = (arch: string, batchSize: number, memory: Activations, threads = 1) =>
  planOfMemory(lowerTraining(createNetwork(arch), { batchSize, memory }), 'winograd4', threads);

/** Of the step that is taken where nothing is asked for. */
async function autoPlan(arch: string, batchSize: number, threads = 1) {
  const planner = memoryPlanner('winograd4', threads);
  const program = await lowerTrainingFor(planner, createNetwork(arch), { batchSize });
  return planOfMemory(program, 'winograd4', threads);
}

async function measure(arch: string, batchSize: number, memory: Activations) {
  const child = path.join(import.meta.dirname, 'memory-child.ts');
  const args = [child, arch, String(batchSize), memory];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as { grown: number; memoryBytes: number };
}

describe('the memory plan of an evaluation', () => {
  const infer = (arch: string, batchSize: number, threads: number) =>
    planOfMemory(lowerInference(createNetwork(arch), { batchSize }), 'winograd4', threads);

  test('has activations for a block of images a thread, not for the batch', () => {
    const { activations, weights, gradients, batch, scratch, peak } = infer('resnet20', 128, 2);
    expect(activations).toBe(0);
    expect(gradients).toBe(0);
    expect(weights + batch + scratch).toBe(peak);
    // One block of 8 images through the widest place: two maps of 32×32×16, and the tiles of Winograd.
    expect(peak).toBeLessThan(16 * 2 ** 20);
  });

  test('grows with the batch by its images and logits only, so the largest batch fits', () => {
    const [small, large] = [infer('resnet20', 128, 2), infer('resnet20', 65536, 2)];
    const rowBytes = 3072 + 4 * (1 + 3 + 10);
    const grown = (large.peak - small.peak) / (65536 - 128);
    expect(grown).toBeGreaterThanOrEqual(rowBytes);
    expect(grown).toBeLessThan(1.01 * rowBytes);
  });
});

describe('the memory plan of a training step', () => {
  test.each(['keep', 'recompute'] as const)(
    'is what a step takes, within 10 %% (%s)',
    async (memory) => {
      const { peak, recomputes } = plan('resnet56', 128, memory);
      const { grown, memoryBytes } = await measure('resnet56', 128, memory);
      expect(recomputes).toBe(memory === 'recompute');
      expect(memoryBytes).toBe(peak);
      expect(Math.abs(grown / peak - 1)).toBeLessThan(0.1);
    },
  );

  test('recomputing ResNet-56 takes less than three quarters', () => {
    const [keep, recompute] = [plan('resnet56', 128, 'keep'), plan('resnet56', 128, 'recompute')];
    expect(recompute.peak).toBeLessThan(0.75 * keep.peak);
  });

  test('its parts add up', () => {
    const { weights, gradients, batch, activations, scratch, peak } = plan('resnet20', 128, 'keep');
    expect(weights + gradients + batch + activations + scratch).toBe(peak);
    expect(weights).toBeGreaterThan(4 * 269_722);
    expect(gradients).toBeGreaterThan(8 * 269_722);
    expect(batch).toBeGreaterThan(128 * 3072);
  });

  test('ResNet-1202 at batch 128 recomputes, and fits in 32 bits on any usual number of threads', async () => {
    for (const threads of [1, 2, 64]) {
      const { recomputes, peak } = await autoPlan('resnet1202', 128, threads);
      expect(recomputes).toBe(true);
      expect(peak).toBeLessThan(4 * 2 ** 30);
    }
    expect(() => plan('resnet1202', 128, 'keep')).toThrow(
      /needs 8\.\d GiB.*or recompute activations/,
    );
  });

  test('where only the threads are too many, it says how many fit', () => {
    const most =
      /needs 4\.\d GiB.*use at most (\d+) threads, or recompute activations instead of keeping them\.$/;
    expect(() => plan('resnet110', 585, 'keep', 256)).toThrow(most);
    let message = '';
    try {
      plan('resnet110', 585, 'keep', 256);
    } catch (error) {
      message = String(error);
    }
    const fits = Number(most.exec(message)![1]);
    expect(plan('resnet110', 585, 'keep', fits).peak).toBeLessThanOrEqual(2 ** 32);
    expect(() => plan('resnet110', 585, 'keep', fits + 1)).toThrow(most);
  });

  test('where recomputing does not fit either, it is not recommended', async () => {
    const advice = /use a smaller batch \(about \d+\)\.$/;
    expect(() => plan('resnet1202', 256, 'recompute')).toThrow(advice);
    await expect(autoPlan('resnet1202', 256)).rejects.toThrow(advice);
  });
});
