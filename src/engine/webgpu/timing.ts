// Times of single kernels, by the device's own clock: each kernel in a pass of its own, with a
// timestamp before and after. Slower as a whole than a step in one pass, so only for benchmarks.

import type { OperationTiming } from '../backend.ts';
import type { BoundKernel } from './bind.ts';
import { requireTimestamps } from './ceilings.ts';
import type { Device } from './device.ts';
import { BUFFER_USAGE } from './host.ts';
import type { ReadbackPool } from './readback.ts';

/** A query set has at most 4096 entries, two for a kernel. */
const KERNELS_PER_SET = 2048;

export interface KernelTiming extends OperationTiming {
  /** Names the tile it was made with, see tune.ts. */
  readonly tileKey?: string;
}

/** @throws UserError where the adapter has no timestamps */
export async function timeKernels(
  device: Device,
  readback: ReadbackPool,
  kernels: readonly BoundKernel[],
  count: number,
  dispatch: (pass: GPUComputePassEncoder, bound: BoundKernel, count: number) => void,
): Promise<KernelTiming[]> {
  requireTimestamps(device);
  const { gpu } = device;
  const timings: KernelTiming[] = [];
  for (let start = 0; start < kernels.length; start += KERNELS_PER_SET) {
    const part = kernels.slice(start, start + KERNELS_PER_SET);
    const querySet = gpu.createQuerySet({ type: 'timestamp', count: 2 * part.length });
    const bytes = 16 * part.length;
    const resolved = gpu.createBuffer({
      size: bytes,
      usage: BUFFER_USAGE.queryResolve | BUFFER_USAGE.copySource,
    });
    const encoder = gpu.createCommandEncoder();
    part.forEach((bound, index) => {
      const pass = encoder.beginComputePass({
        timestampWrites: {
          querySet,
          beginningOfPassWriteIndex: 2 * index,
          endOfPassWriteIndex: 2 * index + 1,
        },
      });
      dispatch(pass, bound, count);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, 2 * part.length, resolved, 0);
    const copy = readback.copy(encoder, resolved, bytes);
    gpu.queue.submit([encoder.finish()]);
    const nanoseconds = await copy.integers();
    part.forEach(({ kernel, bytesPerImage }, index) => {
      const elapsed = nanoseconds[2 * index + 1]! - nanoseconds[2 * index]!;
      timings.push({
        name: kernel.label,
        milliseconds: Number(elapsed) / 1e6,
        multiplyAdds: kernel.multiplyAddsPerImage * count,
        bytes: bytesPerImage * count,
        tileKey: kernel.tileKey,
      });
    });
    querySet.destroy();
    resolved.destroy();
  }
  return timings;
}
