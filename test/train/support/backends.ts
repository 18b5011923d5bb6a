// Backends for tests of training. `arithmeticBackend` computes no convolution: its update depends on
// every bit of what the loop gives it (images, order, labels, augmentation, rate, weights before), so
// any slip of the loop changes its weights, and a step takes well under a millisecond.
// `roundedReference` is the real oracle, with its float64 weights rounded after each step as every
// other backend's are, so that a snapshot loses nothing.

import type {
  Backend,
  BatchInputs,
  BatchMetrics,
  Executable,
} from '../../../src/engine/backend.ts';
import type { Program, ProgramBuffers } from '../../../src/engine/program.ts';
import { createReferenceBackend } from '../../../src/engine/reference/backend.ts';

export interface ArithmeticOptions {
  /** The loss of this training step (counted from 1 in this process) is not a number. */
  readonly nanLossAt?: number;
  /** The weights become infinite in this training step, while its loss is still fine. */
  readonly infiniteWeightsAt?: number;
  /** Told each training batch. */
  readonly onTrain?: (batch: BatchInputs) => void;
  /** Correct images of an evaluation batch; default: half of them. */
  readonly evaluate?: (evaluation: number, count: number) => number;
}

export function arithmeticBackend(options: ArithmeticOptions = {}): Backend {
  return {
    name: 'reference',
    description: 'arithmetic',
    facts: { threads: 1 },
    plan: async () => ({ bytes: 0, fits: true }),
    compile: async (program) => new ArithmeticExecutable(program, options),
    dispose: async () => {},
  };
}

class ArithmeticExecutable implements Executable {
  readonly program: Program;
  readonly memoryBytes = 0;
  private readonly options: ArithmeticOptions;
  private readonly values = new Map<keyof ProgramBuffers, Float32Array>();
  private steps = 0;
  private evaluations = 0;

  constructor(program: Program, options: ArithmeticOptions) {
    this.program = program;
    this.options = options;
  }

  private buffer(name: keyof ProgramBuffers): Float32Array {
    const known = this.values.get(name);
    if (known) return known;
    const id = this.program.named[name];
    if (id === undefined) throw new Error(`no buffer ${name} in a ${this.program.mode} program`);
    const made = new Float32Array(this.program.buffers[id]!.elements);
    this.values.set(name, made);
    return made;
  }

  async write(name: keyof ProgramBuffers, values: Float32Array): Promise<void> {
    if (name === 'parameters' && this.program.mode === 'infer') this.evaluations++;
    const buffer = this.buffer(name);
    if (values.length !== buffer.length) throw new Error(`wrong length for ${name}`);
    buffer.set(values);
  }

  async read(name: keyof ProgramBuffers): Promise<Float32Array> {
    return this.buffer(name).slice();
  }

  async run(batch: BatchInputs): Promise<BatchMetrics> {
    const { count } = batch;
    let hash = count;
    const mix = (value: number) => {
      hash = Math.imul(hash ^ value, 0x01000193) >>> 0;
    };
    for (let i = 0; i < count * 3072; i += 61) mix(batch.images[i]!);
    for (let i = 0; i < count; i++) mix(batch.labels[i]!);
    for (let i = 0; i < count * 3; i++) mix(batch.augmentation[i]!);
    // As a device that works beside the loop: what happens to the inputs from here on is not seen.
    await Promise.resolve();
    const metrics = (lossSum: number, correct: number): BatchMetrics => ({
      count,
      lossSum,
      correctTop1: correct,
      correctTop5: count,
    });
    if (this.program.mode === 'infer') {
      const logits = this.buffer('logits');
      const { classes } = this.program.network;
      for (let i = 0; i < count * classes; i++) logits[i] = ((hash >>> (i % 16)) & 7) / 4;
      const half = Math.floor(count / 2);
      const correct = this.options.evaluate?.(this.evaluations, count) ?? half;
      return metrics(count * (1 + (hash % 97) / 97), correct);
    }
    this.steps++;
    this.options.onTrain?.(batch);
    const { nanLossAt, infiniteWeightsAt } = this.options;
    if (batch.sgd) this.update(hash, batch.sgd);
    if (this.steps === infiniteWeightsAt) this.buffer('parameters').fill(Infinity, 0, 1);
    const lossSum = this.steps === nanLossAt ? Number.NaN : count * (1 + (hash % 1000) / 1000);
    return metrics(lossSum, hash % (count + 1));
  }

  async dispose(): Promise<void> {}

  private update(hash: number, sgd: NonNullable<BatchInputs['sgd']>): void {
    const weights = this.buffer('parameters');
    const velocity = this.buffer('momentum');
    for (let i = 0; i < weights.length; i++) {
      const gradient = 0.01 * weights[i]! + (((hash >>> (i % 24)) & 15) - 7.5) * 1e-3;
      velocity[i] = sgd.momentum * velocity[i]! + gradient + sgd.weightDecay * weights[i]!;
      weights[i] = weights[i]! - sgd.learningRate * velocity[i]!;
    }
    const running = this.buffer('running');
    for (let i = 0; i < running.length; i++) running[i] = 0.9 * running[i]! + 0.1 * (hash % 11);
  }
}

/** The oracle, keeping between steps only what float32 can hold. */
export function roundedReference(): Backend {
  const reference = createReferenceBackend();
  return {
    ...reference,
    async compile(program) {
      const executable = await reference.compile(program);
      const persistent =
        program.mode === 'train' ? (['parameters', 'momentum', 'running'] as const) : [];
      return {
        program,
        memoryBytes: executable.memoryBytes,
        write: (buffer, values) => executable.write(buffer, values),
        read: (buffer) => executable.read(buffer),
        dispose: () => executable.dispose(),
        async run(batch) {
          const metrics = await executable.run(batch);
          for (const buffer of persistent) {
            await executable.write(buffer, await executable.read(buffer));
          }
          return metrics;
        },
      };
    },
  };
}
