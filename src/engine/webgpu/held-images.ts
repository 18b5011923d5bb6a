// A data set on the device. At the beginning of a step one small kernel copies the images of the batch
// into the program's input: 0.4 MB for 128 images, which takes a GPU microseconds, leaves the kernels
// that read images as they are, and lets the data set lie in several buffers where one may not be as
// large (CIFAR-10 has 154 MB, and not every GPU allows more than 128 MiB).

import { IMAGE_BYTES } from '../../data/dataset.ts';
import { type Device, STORAGE } from './device.ts';

const THREADS = 256;
/** Pixels are copied four bytes at a time. */
const WORDS = IMAGE_BYTES / 4;
/** A larger data set is left to the host: there is no asking a GPU how much memory it has. */
const MOST_BYTES = 2 ** 30;
/** Bytes that are on their way to the device at a time. */
const UPLOAD_BYTES = 2 ** 25;

/** One buffer of the data set, and the kernel that finds the images in it. */
interface Part {
  readonly buffer: GPUBuffer;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
}

export class DeviceImages {
  /** Number of images. */
  readonly count: number;
  private readonly device: Device;
  private readonly indices: GPUBuffer;
  private readonly parts: readonly Part[];

  private constructor(device: Device, count: number, indices: GPUBuffer, parts: Part[]) {
    this.device = device;
    this.count = count;
    this.indices = indices;
    this.parts = parts;
  }

  /**
   * Copies images to the device.
   * @param images n × 32 × 32 × 3 bytes
   * @param target where the images of a batch are wanted, for as many images as a batch has
   * @param bindingBytes largest buffer that a kernel may read (default: the device's limit)
   * @returns undefined where the device has no room for them
   */
  static async create(
    device: Device,
    images: Uint8Array,
    target: GPUBuffer,
    bindingBytes = device.largestBuffer,
  ): Promise<DeviceImages | undefined> {
    const count = images.length / IMAGE_BYTES;
    const partImages = Math.floor(bindingBytes / IMAGE_BYTES);
    if (count === 0 || partImages === 0 || images.length > MOST_BYTES) return undefined;
    const firsts = Array.from({ length: Math.ceil(count / partImages) }, (_, i) => i * partImages);
    const bytes = firsts.map((first) => IMAGE_BYTES * Math.min(partImages, count - first));
    const indexBytes = 4 * (target.size / IMAGE_BYTES);
    const buffers = await device.tryAllocate(
      [indexBytes, ...bytes].map((size) => ({ bytes: size, usage: STORAGE })),
    );
    if (!buffers) return undefined;
    const [indices, ...data] = buffers as [GPUBuffer, ...GPUBuffer[]];
    const parts = await Promise.all(
      data.map(async (buffer, i): Promise<Part> => {
        const { pipeline, layout } = await device.pipeline(gatherKernel(firsts[i]!));
        const bound = [buffer, indices, target].map((each) => ({ buffer: each }));
        const bindGroup = device.bindGroup(layout, bound);
        return { buffer, pipeline, bindGroup };
      }),
    );
    for (const [i, buffer] of data.entries()) {
      const from = firsts[i]! * IMAGE_BYTES;
      await upload(device, images.subarray(from, from + bytes[i]!), buffer);
    }
    return new DeviceImages(device, count, indices, parts);
  }

  /**
   * Queues the numbers of a batch's images.
   * @throws RangeError where there is no such image
   */
  select(indices: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      if (!(indices[i]! < this.count)) {
        throw new RangeError(`image ${indices[i]} of a data set of ${this.count}`);
      }
    }
    const values = indices as GPUAllowSharedBufferSource;
    this.device.gpu.queue.writeBuffer(this.indices, 0, values, 0, count);
  }

  /** Encodes the copy of the selected images into the target. */
  gather(pass: GPUComputePassEncoder, count: number): void {
    for (const { pipeline, bindGroup } of this.parts) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(WORDS / THREADS, count);
    }
  }

  dispose(): void {
    this.indices.destroy();
    for (const { buffer } of this.parts) buffer.destroy();
  }
}

/** Copies the selected images that lie in one part, whose first image has the given number. */
export function gatherKernel(first: number) {
  const bindings = [{ access: 'read' }, { access: 'read' }, { access: 'read_write' }] as const;
  const source = `
@group(0) @binding(0) var<storage, read> held: array<u32>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> images: array<u32>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) tid: u32) {
  let index = indices[group.y];
  if (index < ${first}u || index - ${first}u >= arrayLength(&held) / ${WORDS}u) { return; }
  let word = group.x * ${THREADS}u + tid;
  images[group.y * ${WORDS}u + word] = held[(index - ${first}u) * ${WORDS}u + word];
}`;
  return { label: 'gather images', source, bindings, constants: [] };
}

/** In pieces, so that the copies on the way take little memory. */
async function upload(device: Device, bytes: Uint8Array, buffer: GPUBuffer): Promise<void> {
  const { queue } = device.gpu;
  for (let from = 0; from < bytes.length; from += UPLOAD_BYTES) {
    const piece = bytes.subarray(from, from + UPLOAD_BYTES);
    queue.writeBuffer(buffer, from, piece as GPUAllowSharedBufferSource);
    await device.settled(queue.onSubmittedWorkDone());
  }
}
