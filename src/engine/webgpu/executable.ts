// A program on a device. A step is one submission, or several where it is long (submissions.ts): inputs
// are queued, a compute pass runs the kernels with bind groups made once, and losses come back through a mapped copy while the queue
// goes on. `run` queues its work before it first waits, so a caller may start the next step before
// the metrics of the last one are there.
//
// What a step costs the host (Dawn in Node.js): 2 to 4 µs a dispatch, which neither leaving out
// validation nor checking sizes beforehand makes less, and no kernel follows one of the same pipeline;
// about 60 µs for inputs, submission and the mapped copy together. So there is nothing to be gained
// by mapping less often than every step; several steps in flight hide it all.

import type {
  BatchInputs,
  BatchMetrics,
  Executable,
  ExecutableState,
  HeldImages,
  LossScale,
  SelectedInputs,
} from '../backend.ts';
import { TOP_K } from '../constants.ts';
import { align, bufferBytes } from '../plan.ts';
import { namedBuffer, type Program, type ProgramBuffers } from '../program.ts';
import { type BoundKernel, type BoundProgram, bindProgram, type DeviceBuffers } from './bind.ts';
import type { CompiledProgram } from './compile.ts';
import type { Device } from './device.ts';
import { DeviceImages } from './held-images.ts';
import { LOSS_SCALE, LOSS_SCALE_BYTES, STEP_BYTES } from './kernel.ts';
import { type PendingCopy, ReadbackPool } from './readback.ts';
import { Submissions } from './submissions.ts';
import { type KernelTiming, timeKernels } from './timing.ts';

/**
 * One computes, one is queued behind it, and two more leave the host the time of two steps for other
 * things.
 */
const STEPS_IN_FLIGHT = 4;

/** See loss-scale.ts. */
const INITIAL_LOSS_SCALE: LossScale = { scale: 65536, goodSteps: 0 };

/**
 * @param state what it begins with: a loss scale, and the tiles that it was compiled with
 * @throws UserError where the device has not enough memory, or is lost
 */
export async function createExecutable(
  device: Device,
  program: Program,
  compiled: CompiledProgram,
  { lossScale = INITIAL_LOSS_SCALE, ...tiles }: ExecutableState = {},
): Promise<WebGpuExecutable> {
  const bound = await bindProgram(device, program, compiled);
  const executable = new WebGpuExecutable(device, program, bound, compiled.isScaled, tiles);
  if (compiled.isScaled) await executable.writeLossScale(lossScale);
  return executable;
}

/** A batch, whichever way its images come. */
type StepInputs = BatchInputs | SelectedInputs;

export class WebGpuExecutable implements Executable {
  readonly program: Program;
  readonly memoryBytes: number;
  readonly stepsInFlight = STEPS_IN_FLIGHT;
  private readonly device: Device;
  private readonly buffers: DeviceBuffers;
  private readonly setup: readonly BoundKernel[];
  private readonly body: readonly BoundKernel[];
  private readonly readback: ReadbackPool;
  private readonly heldImages = new Set<DeviceImages>();
  private readonly isScaled: boolean;
  private readonly tiles: Omit<ExecutableState, 'lossScale'>;
  private readonly submissions = new Submissions();
  private needsSetup = true;

  constructor(
    device: Device,
    program: Program,
    { plan, buffers, setup, body }: BoundProgram,
    isScaled: boolean,
    tiles: Omit<ExecutableState, 'lossScale'>,
  ) {
    this.device = device;
    this.isScaled = isScaled;
    this.tiles = tiles;
    this.program = program;
    this.memoryBytes = plan.bytes;
    this.buffers = buffers;
    this.setup = setup;
    this.body = body;
    this.readback = new ReadbackPool(device);
  }

  async write(buffer: keyof ProgramBuffers, values: Float32Array): Promise<void> {
    this.device.check();
    const { spec, gpuBuffer } = this.named(buffer);
    if (values.length !== spec.elements) {
      throw new RangeError(`${buffer} has ${spec.elements} values, not ${values.length}`);
    }
    const data =
      spec.type === 'f32'
        ? values
        : spec.type === 'i32'
          ? Int32Array.from(values)
          : Uint8Array.from(values);
    this.device.gpu.queue.writeBuffer(gpuBuffer, 0, data as GPUAllowSharedBufferSource);
    this.needsSetup = true;
  }

  async read(buffer: keyof ProgramBuffers): Promise<Float32Array> {
    this.device.check();
    const { spec, gpuBuffer } = this.named(buffer);
    if (spec.type !== 'f32') throw new RangeError(`${buffer} does not hold floats`);
    return await this.readback.fetch(gpuBuffer, 4 * spec.elements).values();
  }

  async copy(buffer: keyof ProgramBuffers, from: Executable): Promise<void> {
    if (!(from instanceof WebGpuExecutable) || from.device !== this.device) {
      return await this.write(buffer, await from.read(buffer));
    }
    this.device.check();
    const [source, target] = [from.named(buffer), this.named(buffer)];
    if (source.spec.elements !== target.spec.elements || source.spec.type !== target.spec.type) {
      throw new RangeError(
        `${buffer} has ${target.spec.elements} values, not ${source.spec.elements}`,
      );
    }
    const encoder = this.device.gpu.createCommandEncoder();
    const bytes = align(bufferBytes(target.spec), 4);
    encoder.copyBufferToBuffer(source.gpuBuffer, 0, target.gpuBuffer, 0, bytes);
    this.device.gpu.queue.submit([encoder.finish()]);
    this.needsSetup = true;
  }

  async run(batch: BatchInputs): Promise<BatchMetrics> {
    this.device.check();
    this.queueInputs(batch);
    this.queueImages(batch);
    return await this.step(batch);
  }

  async hold(images: Uint8Array): Promise<HeldImages | undefined> {
    this.device.check();
    const held = await DeviceImages.create(this.device, images, this.named('images').gpuBuffer);
    if (!held) return undefined;
    this.heldImages.add(held);
    return {
      run: async (batch) => {
        this.device.check();
        this.queueInputs(batch);
        held.select(batch.indices, batch.count);
        return await this.step(batch, held);
      },
      dispose: async () => {
        this.heldImages.delete(held);
        held.dispose();
      },
    };
  }

  async readState(): Promise<ExecutableState> {
    return { ...this.tiles, ...(this.isScaled && { lossScale: await this.readLossScale() }) };
  }

  async readLossScale(): Promise<LossScale> {
    this.device.check();
    const values = await this.readback.fetch(this.buffers.lossScale, LOSS_SCALE_BYTES).values();
    const { scale, goodSteps } = LOSS_SCALE;
    return { scale: values[scale]!, goodSteps: new Uint32Array(values.buffer)[goodSteps]! };
  }

  async writeLossScale({ scale, goodSteps }: LossScale): Promise<void> {
    const bytes = new ArrayBuffer(LOSS_SCALE_BYTES);
    new Float32Array(bytes).set([scale, 1 / scale]);
    new Uint32Array(bytes)[LOSS_SCALE.goodSteps] = goodSteps;
    this.device.gpu.queue.writeBuffer(this.buffers.lossScale, 0, bytes);
  }

  /**
   * Runs a step with every kernel timed on the device.
   * @throws UserError where the adapter has no timestamps
   */
  async time(batch: BatchInputs): Promise<KernelTiming[]> {
    this.device.check();
    this.queueInputs(batch);
    this.queueImages(batch);
    const kernels = this.kernelsOf(batch);
    this.needsSetup = false;
    return await timeKernels(this.device, this.readback, kernels, batch.count, dispatch);
  }

  async dispose(): Promise<void> {
    const { slots, persistent, ...others } = this.buffers;
    for (const buffer of [...slots, ...persistent.values(), ...Object.values(others)]) {
      buffer.destroy();
    }
    for (const held of this.heldImages) held.dispose();
    this.readback.dispose();
  }

  /** Submits a step whose inputs are queued, and awaits its metrics. */
  private async step(batch: StepInputs, held?: DeviceImages): Promise<BatchMetrics> {
    const { gpu } = this.device;
    const kernels = this.kernelsOf(batch);
    const parts = this.submissions.divide(kernels, batch.count);
    const finished = this.submissions.begin(kernels, batch.count);
    let copy: PendingCopy | undefined;
    for (const [index, part] of parts.entries()) {
      const encoder = gpu.createCommandEncoder();
      const pass = encoder.beginComputePass();
      if (index === 0) held?.gather(pass, batch.count);
      for (const bound of part) dispatch(pass, bound, batch.count);
      pass.end();
      if (index === parts.length - 1) {
        copy = this.readback.copy(encoder, this.buffers.results, 8 * batch.count);
      }
      gpu.queue.submit([encoder.finish()]);
    }
    this.needsSetup = false;
    const results = await (copy as PendingCopy).values();
    finished();
    return metricsOf(results);
  }

  private kernelsOf({ sgd }: StepInputs): BoundKernel[] {
    const body = sgd ? this.body : this.body.filter(({ kernel }) => !kernel.updatesWeights);
    return this.needsSetup ? [...this.setup, ...body] : [...body];
  }

  /** All but the images. */
  private queueInputs({ count, labels, augmentation, sgd }: StepInputs): void {
    const { program } = this;
    if (!Number.isInteger(count) || count < 1 || count > program.batchSize) {
      throw new RangeError(`a batch of ${count} images in a program for ${program.batchSize}`);
    }
    this.queueWrite('labels', labels, count);
    this.queueWrite('augmentation', augmentation, 3 * count);
    const step = new ArrayBuffer(STEP_BYTES);
    new Uint32Array(step, 0, 1)[0] = count;
    new Float32Array(step, 4, 3).set([
      sgd?.learningRate ?? 0,
      sgd?.momentum ?? 0,
      sgd?.weightDecay ?? 0,
    ]);
    new Uint32Array(step, 16, 1)[0] = 0xffffffff;
    new Float32Array(step, 20, 2).set([sgd?.muon?.learningRate ?? 0, sgd?.muon?.weightDecay ?? 0]);
    this.device.gpu.queue.writeBuffer(this.buffers.step, 0, step);
  }

  private queueImages({ count, images }: BatchInputs): void {
    const { spec } = this.named('images');
    this.queueWrite('images', images, count * spec.perImage);
  }

  private queueWrite(
    name: keyof ProgramBuffers,
    data: Uint8Array | Int32Array,
    length: number,
  ): void {
    const { gpuBuffer } = this.named(name);
    const { queue } = this.device.gpu;
    queue.writeBuffer(gpuBuffer, 0, data as GPUAllowSharedBufferSource, 0, length);
  }

  private named(name: keyof ProgramBuffers) {
    const id = namedBuffer(this.program, name);
    return { spec: this.program.buffers[id]!, gpuBuffer: this.buffers.persistent.get(id)! };
  }
}

function dispatch(pass: GPUComputePassEncoder, bound: BoundKernel, count: number): void {
  const [x, y] = bound.kernel.workgroups(count);
  pass.setPipeline(bound.pipeline);
  pass.setBindGroup(0, bound.bindGroup);
  pass.dispatchWorkgroups(x, y);
}

/** Pairs of loss and rank of the label, one an image. */
function metricsOf(results: Float32Array): BatchMetrics {
  let [lossSum, correctTop1, correctTop5] = [0, 0, 0];
  for (let i = 0; i < results.length; i += 2) {
    lossSum += results[i]!;
    if (results[i + 1]! < 1) correctTop1++;
    if (results[i + 1]! < TOP_K) correctTop5++;
  }
  return { count: results.length / 2, lossSum, correctTop1, correctTop5 };
}
