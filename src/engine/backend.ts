// The only door to the backends. A backend compiles programs; what it returns runs them. Nothing
// above this file knows how a convolution is computed, and nothing below it knows what training is.

import type { Program, ProgramBuffers } from './program.ts';

/** SGD's numbers for one step (PyTorch's meaning: the rate is outside the momentum buffer). */
export interface SgdSettings {
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
}

/** One batch, as bytes. Rows beyond `count` are ignored. */
export interface BatchInputs {
  /** Images in this batch, 1 to the program's batch size. */
  readonly count: number;
  /** count × 32 × 32 × 3 bytes, NHWC. */
  readonly images: Uint8Array;
  readonly labels: Int32Array;
  /** count × (row, column, flip): crop origin in the image padded by 4, and mirror. */
  readonly augmentation: Int32Array;
  /** Needed by training programs; without it they compute gradients and leave the weights. */
  readonly sgd?: SgdSettings;
}

/** Sums over the batch, so that meters can weigh batches of different size. */
export interface BatchMetrics {
  readonly count: number;
  /** Sum over images of the cross-entropy, natural logarithm. */
  readonly lossSum: number;
  readonly correctTop1: number;
  /** Within the five likeliest classes (all of them when there are fewer). */
  readonly correctTop5: number;
}

export interface Executable {
  readonly program: Program;
  /** Bytes of memory it holds, buffers and scratch. */
  readonly memoryBytes: number;
  /** Replaces a whole named buffer. Takes effect before the next `run`. */
  write(buffer: keyof ProgramBuffers, values: Float32Array): Promise<void>;
  /** A copy of a float buffer after everything submitted so far. */
  read(buffer: keyof ProgramBuffers): Promise<Float32Array>;
  /** Runs `setup` (once after each write of weights) and the body on one batch. */
  run(batch: BatchInputs): Promise<BatchMetrics>;
  /** Frees memory; the executable must not be used afterwards. */
  dispose(): Promise<void>;
}

export interface OperationTiming {
  /** Operation and layer, such as `convolutionBackward layer1.0.conv1`. */
  readonly name: string;
  readonly milliseconds: number;
  /** Multiply-adds of the direct algorithm for the batch. */
  readonly multiplyAdds: number;
}

export interface Backend {
  readonly name: 'reference' | 'wasm' | 'webgpu';
  /** One line for people: threads, SIMD width, adapter. */
  readonly description: string;
  /** Facts for `environment.json`. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
  compile(program: Program): Promise<Executable>;
  dispose(): Promise<void>;
}
