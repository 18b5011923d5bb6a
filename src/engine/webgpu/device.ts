// An open device as the executables use it: buffers whose lack is reported in words, pipelines that
// are compiled once for each text, and what happens when the device goes away.

import { messageOf, UserError } from '../../util/errors.ts';
import { DeviceError, outOfMemory } from '../device-error.ts';
import type { OpenDevice } from './adapter.ts';
import { BUFFER_USAGE, SHADER_STAGE_COMPUTE } from './host.ts';
import type { Binding, Kernel } from './kernel.ts';

/** What a pipeline is made of. */
export interface PipelineSource extends Pick<Kernel, 'label' | 'source' | 'constants'> {
  readonly bindings: readonly Pick<Binding, 'access'>[];
}

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

export class Device {
  readonly gpu: GPUDevice;
  readonly facts: OpenDevice['adapter'];
  readonly info: GPUAdapterInfo;
  private readonly pipelines = new Map<string, Promise<Pipeline>>();
  private failure: Error | undefined;
  private disposed = false;
  private readonly slowCallbacks: boolean;
  /** Waits that are not over. */
  private waiting = 0;
  private nudges: ReturnType<typeof setInterval> | undefined;

  constructor({ device, adapter, info, slowCallbacks = false }: OpenDevice) {
    this.slowCallbacks = slowCallbacks;
    this.gpu = device;
    this.facts = adapter;
    this.info = info;
    void device.lost.then(({ reason, message }) => {
      if (this.disposed) return;
      this.failure ??= new DeviceError(
        `The GPU "${adapter.name}" was lost (${reason}${message ? `: ${firstLine(message)}` : ''}), which a reset, a driver update or standby can cause.`,
      );
    });
    device.onuncapturederror = ({ error }) => {
      this.failure ??= isOutOfMemory(error)
        ? new DeviceError(...outOfMemory(`The GPU "${adapter.name}" ran out of memory`))
        : new Error(`WebGPU reports: ${error.message}`);
    };
  }

  get limits(): GPUSupportedLimits {
    return this.gpu.limits;
  }

  /** Bytes that a buffer of kernels may have. */
  get largestBuffer(): number {
    return Math.min(this.limits.maxBufferSize, this.limits.maxStorageBufferBindingSize);
  }

  /** @throws what has gone wrong with the device, if anything has */
  check(): void {
    if (this.failure) throw this.failure;
  }

  /** Waits for what the device was given, also where its callbacks are slow by themselves. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    if (!this.slowCallbacks) return await promise;
    this.waiting++;
    this.nudges ??= setInterval(() => this.gpu.queue.submit([]), NUDGE_MILLISECONDS);
    try {
      return await promise;
    } finally {
      this.waiting--;
      if (this.waiting === 0) {
        clearInterval(this.nudges);
        this.nudges = undefined;
      }
    }
  }

  /** Turns a rejection of the device into what is known about it, which may come a moment later. */
  async explain(error: unknown): Promise<Error> {
    const moment = new Promise<void>((resolve) => setTimeout(resolve, LOSS_MILLISECONDS));
    await Promise.race([this.gpu.lost, moment]);
    return this.failure ?? (error instanceof Error ? error : new Error(messageOf(error)));
  }

  /**
   * Makes buffers, all or none.
   * @throws UserError that says how much was needed when they do not fit
   */
  async allocate(sizes: readonly { bytes: number; usage: number }[]): Promise<GPUBuffer[]> {
    const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
    const largest = sizes.reduce((most, { bytes }) => Math.max(most, bytes), 0);
    const limit = this.largestBuffer;
    if (largest > limit) {
      throw new UserError(
        `One feature map of the batch needs ${megabytes(largest)}, and the GPU "${this.facts.name}" allows ${megabytes(limit)} in one buffer: use a smaller batch.`,
      );
    }
    const buffers = await this.tryAllocate(sizes);
    if (buffers) return buffers;
    throw new DeviceError(
      ...outOfMemory(
        `The GPU "${this.facts.name}" has no room for the ${megabytes(total)} that this network and batch size need`,
      ),
    );
  }

  /** Makes buffers within the device's limits, or none and undefined when they do not fit. */
  async tryAllocate(
    sizes: readonly { bytes: number; usage: number }[],
  ): Promise<GPUBuffer[] | undefined> {
    this.gpu.pushErrorScope('out-of-memory');
    const buffers = sizes.map(({ bytes, usage }) =>
      this.gpu.createBuffer({ size: Math.max(16, bytes), usage }),
    );
    const error = await this.gpu.popErrorScope();
    if (!error) return buffers;
    for (const buffer of buffers) buffer.destroy();
    return undefined;
  }

  /** The pipeline of a kernel; kernels of the same text share one. */
  pipeline(kernel: PipelineSource): Promise<Pipeline> {
    let pipeline = this.pipelines.get(kernel.source);
    if (!pipeline) {
      pipeline = this.compile(kernel);
      this.pipelines.set(kernel.source, pipeline);
    }
    return pipeline;
  }

  /** Binds buffers, or parts of them, to a pipeline's places in their order. */
  bindGroup(layout: GPUBindGroupLayout, resources: readonly GPUBufferBinding[]): GPUBindGroup {
    const entries = resources.map((resource, binding) => ({ binding, resource }));
    return this.gpu.createBindGroup({ layout, entries });
  }

  private async compile(kernel: PipelineSource): Promise<Pipeline> {
    const { gpu } = this;
    gpu.pushErrorScope('validation');
    const module = gpu.createShaderModule({ label: kernel.label, code: kernel.source });
    const invalid = await gpu.popErrorScope();
    if (invalid) throw new Error(`The kernel "${kernel.label}" is no WGSL: ${invalid.message}`);
    const types = kernel.bindings.map(({ access }) => BINDING_TYPES[access]);
    if (kernel.constants.length > 0) types.push('uniform');
    const layout = gpu.createBindGroupLayout({
      entries: types.map((type, binding) => ({
        binding,
        visibility: SHADER_STAGE_COMPUTE,
        buffer: { type },
      })),
    });
    try {
      const pipeline = await gpu.createComputePipelineAsync({
        label: kernel.label,
        layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: 'main' },
      });
      return { pipeline, layout };
    } catch (error) {
      const cause = await this.explain(error);
      if (cause instanceof DeviceError) throw cause;
      throw new Error(`The kernel "${kernel.label}" does not compile: ${messageOf(error)}`, {
        cause,
      });
    }
  }

  dispose(): void {
    this.disposed = true;
    this.gpu.destroy();
  }
}

const BINDING_TYPES = {
  read: 'read-only-storage',
  read_write: 'storage',
  uniform: 'uniform',
} as const satisfies Record<string, GPUBufferBindingType>;

/** How often an empty submission hurries slow callbacks. */
const NUDGE_MILLISECONDS = 1;

/** How long after a failed wait a device tells that it was lost, at most. */
const LOSS_MILLISECONDS = 100;

/** Usage of buffers that kernels read and write. */
export const STORAGE = BUFFER_USAGE.storage | BUFFER_USAGE.copySource | BUFFER_USAGE.copyTarget;
export const UNIFORM = BUFFER_USAGE.uniform | BUFFER_USAGE.copyTarget;

function isOutOfMemory(error: GPUError): boolean {
  return error.constructor.name === 'GPUOutOfMemoryError';
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] as string;
}

function megabytes(bytes: number): string {
  return bytes >= 2 ** 30
    ? `${(bytes / 2 ** 30).toFixed(1)} GiB`
    : `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
