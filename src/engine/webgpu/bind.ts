// Gives a compiled program memory and pipelines: every kernel with the buffers it reads and writes.

import { align } from '../plan.ts';
import type { BufferId, Program } from '../program.ts';
import type { CompiledProgram } from './compile.ts';
import { type Device, STORAGE, UNIFORM } from './device.ts';
import { BUFFER_USAGE } from './host.ts';
import {
  type Kernel,
  LOSS_SCALE_BYTES,
  NORM_ROW_COUNT,
  type Resource,
  STEP_BYTES,
} from './kernel.ts';
import {
  boundBytesPerImage,
  type MemoryPlan,
  planDeviceMemory,
  resourceKey,
  transientBytes,
  UNIFORM_ALIGNMENT,
} from './memory.ts';

/** A kernel with all it needs to be dispatched. */
export interface BoundKernel {
  readonly kernel: Kernel;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  /** Of one image, of every activation and input that it is bound to. */
  readonly bytesPerImage: number;
}

export interface DeviceBuffers {
  readonly slots: readonly GPUBuffer[];
  readonly persistent: ReadonlyMap<BufferId, GPUBuffer>;
  readonly norms: GPUBuffer;
  readonly constants: GPUBuffer;
  readonly results: GPUBuffer;
  readonly step: GPUBuffer;
  readonly lossScale: GPUBuffer;
}

/** A compiled program with its memory. */
export interface BoundProgram {
  readonly plan: MemoryPlan;
  readonly buffers: DeviceBuffers;
  readonly setup: readonly BoundKernel[];
  readonly body: readonly BoundKernel[];
}

/** @throws UserError where the device has not that much memory */
export async function bindProgram(
  device: Device,
  program: Program,
  compiled: CompiledProgram,
): Promise<BoundProgram> {
  device.check();
  const plan = planDeviceMemory(program, compiled);
  const kernels = [...compiled.setup, ...compiled.body];
  const pipelines = await Promise.all(kernels.map((kernel) => device.pipeline(kernel)));
  const buffers = await allocate(device, plan);

  let constantOffset = 0;
  const bound = kernels.map((kernel, index): BoundKernel => {
    const { pipeline, layout } = pipelines[index]!;
    const resources = kernel.bindings.map(({ resource }) =>
      place(program, compiled, plan, buffers, resource),
    );
    if (kernel.constants.length > 0) {
      const values = new Uint32Array(align(kernel.constants.length, 4));
      values.set(kernel.constants);
      device.gpu.queue.writeBuffer(buffers.constants, constantOffset, values);
      resources.push({
        buffer: buffers.constants,
        offset: constantOffset,
        size: values.byteLength,
      });
      constantOffset += align(values.byteLength, UNIFORM_ALIGNMENT);
    }
    const bindGroup = device.bindGroup(layout, resources);
    const bytesPerImage = boundBytesPerImage(program, compiled, kernel);
    return { kernel, pipeline, bindGroup, bytesPerImage };
  });
  device.check();
  const setup = bound.slice(0, compiled.setup.length);
  const body = bound.slice(compiled.setup.length);
  return { plan, buffers, setup, body };
}

/** Part of a program's memory that must be left for an evaluation beside it, and for held images. */
const RESERVE = 1 / 8;
/** A software adapter's memory is this computer's, where a trial shows nothing. */
const MOST_IN_SOFTWARE = 3.5 * 2 ** 30;

/**
 * Whether a device has room for a program. WebGPU does not tell how much memory there is, so this is
 * tried: buffers of these sizes are made and given back.
 */
export async function hasRoom(device: Device, plan: MemoryPlan): Promise<boolean> {
  const sizes = [...plan.slots, ...plan.persistent.values(), plan.bytes * RESERVE];
  if (Math.max(...sizes.slice(0, -1)) > device.largestBuffer) return false;
  if (device.facts.isSoftware) return plan.bytes <= MOST_IN_SOFTWARE;
  // The reserve is no buffer of its own, so it may be larger than one.
  const pieces = sizes.flatMap((bytes) => piecesOf(bytes, device.largestBuffer));
  const made = await device.tryAllocate(pieces.map((bytes) => ({ bytes, usage: STORAGE })));
  for (const buffer of made ?? []) buffer.destroy();
  return made !== undefined;
}

function piecesOf(bytes: number, largest: number): number[] {
  const count = Math.max(1, Math.ceil(bytes / largest));
  return Array.from({ length: count }, () => align(bytes / count, 4));
}

async function allocate(device: Device, plan: MemoryPlan): Promise<DeviceBuffers> {
  const persistent = [...plan.persistent];
  const made = await device.allocate([
    ...plan.slots.map((bytes) => ({ bytes, usage: STORAGE })),
    ...persistent.map(([, bytes]) => ({ bytes, usage: STORAGE })),
    { bytes: plan.normBytes, usage: STORAGE | BUFFER_USAGE.uniform },
    { bytes: plan.constantBytes, usage: UNIFORM },
    { bytes: plan.resultBytes, usage: STORAGE },
    { bytes: STEP_BYTES, usage: UNIFORM },
    { bytes: LOSS_SCALE_BYTES, usage: STORAGE },
  ]);
  const [norms, constants, results, step, lossScale] = made.slice(-5) as [
    GPUBuffer,
    GPUBuffer,
    GPUBuffer,
    GPUBuffer,
    GPUBuffer,
  ];
  return {
    slots: made.slice(0, plan.slots.length),
    persistent: new Map(persistent.map(([id], i) => [id, made[plan.slots.length + i]!])),
    norms,
    constants,
    results,
    step,
    lossScale,
  };
}

/** The part of a device buffer that a resource is. */
function place(
  program: Program,
  compiled: CompiledProgram,
  plan: MemoryPlan,
  buffers: DeviceBuffers,
  resource: Resource,
): GPUBufferBinding {
  switch (resource.kind) {
    case 'step':
      return { buffer: buffers.step };
    case 'lossScale':
      return { buffer: buffers.lossScale };
    case 'results':
      return { buffer: buffers.results };
    case 'norm':
      return {
        buffer: buffers.norms,
        offset: plan.normOffsets[resource.id]!,
        size: 4 * NORM_ROW_COUNT * program.norms[resource.id]!.channels,
      };
    case 'buffer': {
      const buffer = buffers.persistent.get(resource.id);
      if (buffer) return { buffer };
      break;
    }
    case 'scratch':
      break;
    default:
      throw new Error(`unknown resource ${resource satisfies never}`);
  }
  const slot = buffers.slots[plan.slotOf.get(resourceKey(resource))!]!;
  return { buffer: slot, size: transientBytes(program, compiled, resource) };
}
