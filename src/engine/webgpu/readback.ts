// Copies from the device to the host. A copy is part of the submission that made the values, and is
// awaited later; its buffers are used again.

import type { Device } from './device.ts';
import { BUFFER_USAGE, MAP_READ } from './host.ts';

export interface PendingCopy {
  /** The values, once the device has come that far. */
  values(): Promise<Float32Array<ArrayBuffer>>;
  /** The same bytes as 64-bit integers. */
  integers(): Promise<BigUint64Array<ArrayBuffer>>;
}

/** Largest buffer that is kept for the next copy. */
const KEPT_BYTES = 1 << 16;

export class ReadbackPool {
  private readonly device: Device;
  private free: GPUBuffer[] = [];
  private disposed = false;

  constructor(device: Device) {
    this.device = device;
  }

  /** Submits a copy of the first `bytes` of a buffer. */
  fetch(source: GPUBuffer, bytes: number): PendingCopy {
    const encoder = this.device.gpu.createCommandEncoder();
    const copy = this.copy(encoder, source, bytes);
    this.device.gpu.queue.submit([encoder.finish()]);
    return copy;
  }

  /** Encodes a copy of the first `bytes` of a buffer. */
  copy(encoder: GPUCommandEncoder, source: GPUBuffer, bytes: number): PendingCopy {
    const buffer = this.take(bytes);
    encoder.copyBufferToBuffer(source, 0, buffer, 0, bytes);
    const fetch = async () => {
      try {
        await this.device.settled(buffer.mapAsync(MAP_READ, 0, bytes));
      } catch (error) {
        buffer.destroy();
        throw await this.device.explain(error);
      }
      const copied = buffer.getMappedRange(0, bytes).slice(0);
      buffer.unmap();
      if (this.disposed || buffer.size > KEPT_BYTES) buffer.destroy();
      else this.free.push(buffer);
      this.device.check();
      return copied;
    };
    return {
      values: async () => new Float32Array(await fetch()),
      integers: async () => new BigUint64Array(await fetch()),
    };
  }

  dispose(): void {
    this.disposed = true;
    for (const buffer of this.free.splice(0)) buffer.destroy();
  }

  private take(bytes: number): GPUBuffer {
    const index = this.free.findIndex(({ size }) => size >= bytes);
    if (index >= 0) return this.free.splice(index, 1)[0]!;
    return this.device.gpu.createBuffer({
      size: Math.max(256, bytes),
      usage: BUFFER_USAGE.mapRead | BUFFER_USAGE.copyTarget,
    });
  }
}
