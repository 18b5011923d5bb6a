// A compiled program in the main thread: one shared memory, one kernel module, the same schedule in
// every worker. Batches and weights are copied into the memory here; all computing is the workers'.

import { IMAGE_BYTES } from '../../data/dataset.ts';
import type { BatchInputs, BatchMetrics, Executable, OperationTiming } from '../backend.ts';
import { namedBuffer, type Program, type ProgramBuffers } from '../program.ts';
import { sizeOfOperation } from './describe.ts';
import { bufferSpec } from './executor/context.ts';
import { Control } from './executor/control.ts';
import type { ExecutablePlan } from './plan-executable.ts';
import type { WorkerPool } from './pool.ts';
import type { WasmMemory } from './webassembly.ts';

export class WasmExecutable implements Executable {
  readonly program: Program;
  readonly memoryBytes: number;
  private readonly id: number;
  private readonly plan: ExecutablePlan;
  private readonly pool: WorkerPool;
  /** Absent after `dispose`; what holds the buffer holds all the memory. */
  private buffer: ArrayBufferLike | undefined;
  private needsSetup = true;
  /** Why a step failed; its threads stopped in the middle, so there will not be another. */
  private failure: unknown;
  /** Everything submitted so far; calls are carried out one after another. */
  private submitted: Promise<unknown> = Promise.resolve();
  /** How many of them are not done. */
  private unfinished = 0;

  constructor(id: number, plan: ExecutablePlan, pool: WorkerPool, memory: WasmMemory) {
    this.id = id;
    this.plan = plan;
    this.pool = pool;
    this.program = plan.context.program;
    this.memoryBytes = plan.map.bytes;
    this.buffer = memory.buffer;
  }

  write(buffer: keyof ProgramBuffers, values: Float32Array): Promise<void> {
    return this.submit(async () => {
      const target = this.floats(buffer);
      if (values.length !== target.length) {
        throw new RangeError(`${buffer} has ${target.length} values, not ${values.length}`);
      }
      target.set(values);
      this.needsSetup = true;
    });
  }

  read(buffer: keyof ProgramBuffers): Promise<Float32Array> {
    return this.submit(async () => Float32Array.from(this.floats(buffer)));
  }

  run(batch: BatchInputs): Promise<BatchMetrics> {
    return this.submit(() => this.step(batch, false));
  }

  /**
   * Runs a batch and measures every operation: the time of all threads divided by their number,
   * without waiting. Steps that measure are a little slower.
   */
  profile(batch: BatchInputs): Promise<OperationTiming[]> {
    return this.submit(async () => {
      await this.step(batch, true);
      const { map, context } = this.plan;
      const { body } = this.program;
      const milliseconds = new Float64Array(body.length);
      for (let thread = 0; thread < this.pool.threads; thread++) {
        const address = map.scratch + thread * map.scratchStride + context.times;
        const times = new Float64Array(this.memory(), address, body.length);
        for (let i = 0; i < body.length; i++) milliseconds[i]! += times[i]! / this.pool.threads;
      }
      return body.map((operation, i) => ({
        ...sizeOfOperation(this.program, operation, batch.count),
        milliseconds: milliseconds[i]!,
      }));
    });
  }

  dispose(): Promise<void> {
    return this.submit(async () => {
      if (this.buffer) this.pool.unload(this.id);
      this.buffer = undefined;
    });
  }

  private async step(batch: BatchInputs, profile: boolean): Promise<BatchMetrics> {
    if (this.failure !== undefined) throw this.failure;
    const { count, sgd } = batch;
    const { id } = this;
    this.writeBatch(batch);
    const setup = this.needsSetup;
    try {
      await this.pool.run(id, { kind: 'run', id, setup, profile, step: { count, sgd } });
    } catch (error) {
      this.failure = error;
      throw error;
    }
    this.needsSetup = false;
    const { metrics } = new Control(this.memory(), this.plan.map.shared);
    const [lossSum = 0, correctTop1 = 0, correctTop5 = 0] = metrics;
    return { count, lossSum, correctTop1, correctTop5 };
  }

  private writeBatch({ count, images, labels, augmentation }: BatchInputs): void {
    const { batchSize, network, named } = this.program;
    if (!Number.isInteger(count) || count < 1 || count > batchSize) {
      throw new RangeError(`a batch of ${count} images for a program of 1 to ${batchSize}`);
    }
    const memory = this.memory();
    const offset = (id: number) => bufferSpec(this.program, id).offset;
    const bytes = count * IMAGE_BYTES;
    if (images.length < bytes || labels.length < count || augmentation.length < 3 * count) {
      throw new RangeError(`a batch of ${count} images has too few bytes, labels or crops`);
    }
    for (const [i, label] of labels.subarray(0, count).entries()) {
      if (label < 0 || label >= network.classes) {
        throw new RangeError(
          `label ${label} of image ${i} is not one of ${network.classes} classes`,
        );
      }
    }
    for (const [i, value] of augmentation.subarray(0, 3 * count).entries()) {
      if (value < 0 || value > (i % 3 === 2 ? 1 : 8)) {
        throw new RangeError(`augmentation ${value} of image ${Math.floor(i / 3)} is out of range`);
      }
    }
    new Uint8Array(memory, offset(named.images), bytes).set(images.subarray(0, bytes));
    new Int32Array(memory, offset(named.labels), count).set(labels.subarray(0, count));
    new Int32Array(memory, offset(named.augmentation), 3 * count).set(
      augmentation.subarray(0, 3 * count),
    );
  }

  private floats(name: keyof ProgramBuffers): Float32Array {
    const buffer = bufferSpec(this.program, namedBuffer(this.program, name));
    if (buffer.type !== 'f32') throw new Error(`${name} does not hold floats`);
    return new Float32Array(this.memory(), buffer.offset, buffer.elements);
  }

  private memory(): ArrayBufferLike {
    if (!this.buffer) throw new Error('the executable was disposed');
    return this.buffer;
  }

  /**
   * Carries out work after everything submitted before it, whether that failed or not. With nothing
   * before it, it begins at once: the workers have a step when `run` returns, and compute while the
   * caller gathers the next batch.
   */
  private submit<T>(work: () => Promise<T>): Promise<T> {
    const result = this.unfinished === 0 ? work() : this.submitted.then(work);
    this.unfinished++;
    const done = () => {
      this.unfinished--;
    };
    this.submitted = result.then(done, done);
    return result;
  }
}
