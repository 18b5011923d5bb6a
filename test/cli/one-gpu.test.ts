// How many GPUs a task of a cluster may see.

import { expect, test } from 'vitest';
import { checkOneGpu, type VisibleGpu } from '../../src/cli/session/one-gpu.ts';
import type { DeviceName } from '../../src/engine/devices.ts';

const h200: VisibleGpu = { name: 'NVIDIA H200', isSoftware: false };
const t4: VisibleGpu = { name: 'Tesla T4', isSoftware: false };
const lavapipe: VisibleGpu = { name: 'llvmpipe (LLVM 15)', isSoftware: true };

const check = (device: DeviceName, ...gpus: VisibleGpu[]) => checkOneGpu(device, async () => gpus);

test.each([
  ['one GPU', 'webgpu', [h200]],
  ['one, beside a software one', 'webgpu', [lavapipe, h200]],
  ['none: whoever opens it says so', 'webgpu', [lavapipe]],
  ['two, of which one is named', 'webgpu:t4', [h200, t4]],
  ['two, and none is asked for', 'cpu', [h200, h200]],
] as const)('%s is fine', async (_, device, gpus) => {
  await check(device, ...gpus);
});

test('two of a kind are refused, since each task would take the first', async () => {
  await expect(check('webgpu', h200, h200)).rejects.toThrow(
    /^This task sees 2 GPUs \(NVIDIA H200, NVIDIA H200\) .*ConstrainDevices=yes/,
  );
  await expect(check('webgpu:nvidia', h200, h200)).rejects.toThrow('sees 2 GPUs');
});
