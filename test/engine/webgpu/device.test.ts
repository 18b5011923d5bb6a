// A device that fails: lost, or out of memory. Dawn's null backend computes nothing, has 512 MiB, and
// can be lost like any other, so no adapter is needed.

import { describe, expect, it } from 'vitest';
import { DeviceError } from '../../../src/engine/device-error.ts';
import { lowerInference } from '../../../src/engine/lower-infer.ts';
import { lowerTraining } from '../../../src/engine/lower-train.ts';
import type { Program } from '../../../src/engine/program.ts';
import { openDevice } from '../../../src/engine/webgpu/adapter.ts';
import { compileKernels } from '../../../src/engine/webgpu/compile.ts';
import { Device } from '../../../src/engine/webgpu/device.ts';
import { createExecutable } from '../../../src/engine/webgpu/executable.ts';
import { createNodeGpuHost } from '../../../src/engine/webgpu/host.node.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import { randomBatch } from '../../conformance/cases.ts';

const BATCH = 4;
const network = createNetwork('resnet8', { shortcut: 'A' });
const program = lowerInference(network, { batchSize: BATCH });
const batch = randomBatch(10, BATCH, 1);

async function openNull() {
  const open = await openDevice(createNodeGpuHost({ backend: 'null' }));
  const device = new Device(open);
  const compile = (each: Program) => createExecutable(device, each, compileKernels(each));
  return { gpu: open.device, device, compile };
}

describe('a lost device', () => {
  const LOST =
    /^The GPU "[^"]+" was lost \(destroyed.*\), which a reset, a driver update or standby/;

  it('says so to whoever waits for a step, and to whoever begins one', async () => {
    const { gpu, compile } = await openNull();
    const executable = await compile(program);
    await executable.run(batch);
    const running = executable.run(batch);
    const failure = expect(running).rejects.toThrow(LOST);
    gpu.destroy();
    await failure;
    await expect(executable.run(batch)).rejects.toBeInstanceOf(DeviceError);
    await expect(executable.read('logits')).rejects.toThrow(LOST);
    await executable.dispose();
  });

  it('says so to whoever compiles', async () => {
    const { gpu, compile } = await openNull();
    const compiling = compile(program);
    const failure = expect(compiling).rejects.toThrow(LOST);
    gpu.destroy();
    await failure;
  });

  it('is no failure when it is over', async () => {
    const { device } = await openNull();
    device.dispose();
    await device.gpu.lost;
    device.check();
  });
});

describe('memory that does not suffice', () => {
  it('is told by how much a training step needs, and what to do', async () => {
    const { compile, device } = await openNull();
    const deep = createNetwork('resnet110', { shortcut: 'A' });
    const keeping = lowerTraining(deep, { batchSize: 128, memory: 'keep' });
    await expect(compile(keeping)).rejects.toThrow(
      /has no room for the \d+(\.\d)? (MiB|GiB) that this network and batch size need: use a smaller batch, or recompute/,
    );
    // It leaves nothing behind: what fits, still does.
    const small = lowerTraining(deep, { batchSize: 8, memory: 'recompute' });
    const executable = await compile(small);
    expect(executable.memoryBytes).toBeGreaterThan(0);
    await executable.dispose();
    device.dispose();
  });
});
