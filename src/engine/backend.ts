// The only door to the backends. A backend compiles programs; what it returns runs them. Nothing
// above this file knows how a convolution is computed, and nothing below it knows what training is.

import type { Program, ProgramBuffers } from './program.ts';

/** SGD's numbers for one step (PyTorch's meaning: the rate is outside the momentum buffer). */
export interface SgdSettings {
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  /** Needed by programs that update filters by Muon. */
  readonly muon?: MuonSettings;
}

/** Muon's numbers for one step, for the filters of convolutions; the momentum is SGD's. */
export interface MuonSettings {
  readonly learningRate: number;
  /** Decoupled: filters shrink by this times the rate. */
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

/** One batch of images that the device holds already. Rows beyond `count` are ignored. */
export interface SelectedInputs extends Omit<BatchInputs, 'images'> {
  /** Number of each image among those that are held. */
  readonly indices: Uint32Array;
}

/** Images that lie on the device, so that a batch names them and brings no bytes. */
export interface HeldImages {
  /** As `Executable.run`, with the same bits as if the batch had brought the bytes. */
  run(batch: SelectedInputs): Promise<BatchMetrics>;
  /** Frees them; no batch may name them afterwards. */
  dispose(): Promise<void>;
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

/**
 * What decides an executable's later results beside the values of its buffers. It belongs to a
 * training state: with it, training goes on bit for bit.
 */
export interface ExecutableState {
  /** The device that the tiles were chosen for. */
  readonly adapter?: string;
  /** Tile shapes that were chosen by measuring, by the name of what they compute. */
  readonly tiles?: Readonly<Record<string, string>>;
  /** Loss scaling of half precision. */
  readonly lossScale?: LossScale;
}

export interface LossScale {
  /** What the loss's gradient is multiplied by, a power of two. */
  readonly scale: number;
  /** Steps since it last changed. */
  readonly goodSteps: number;
}

export interface Executable {
  readonly program: Program;
  /** Bytes of memory it holds, buffers and scratch. */
  readonly memoryBytes: number;
  /** Replaces a whole named buffer. Takes effect before the next `run`. */
  write(buffer: keyof ProgramBuffers, values: Float32Array): Promise<void>;
  /** A copy of a float buffer after everything submitted so far. */
  read(buffer: keyof ProgramBuffers): Promise<Float32Array>;
  /**
   * As `write` with what `from.read` gives, without the values passing through the host. Absent where
   * that saves nothing.
   * @param from an executable of the same backend
   */
  copy?(buffer: keyof ProgramBuffers, from: Executable): Promise<void>;
  /**
   * Runs `setup` (once after each write of weights) and the body on one batch, after everything
   * submitted before. The inputs must not change before it resolves.
   */
  run(batch: BatchInputs): Promise<BatchMetrics>;
  /**
   * How many steps are worth submitting before the first one's metrics are awaited (default 1): more
   * where a device computes beside the host.
   */
  readonly stepsInFlight?: number;
  /**
   * Copies images to a device that has memory of its own; `dispose` frees them too.
   * @param images n × 32 × 32 × 3 bytes
   * @returns undefined where they do not fit
   */
  hold?(images: Uint8Array): Promise<HeldImages | undefined>;
  /** After everything submitted so far. Absent where the buffers are all there is. */
  readState?(): Promise<ExecutableState>;
  /** Frees memory; the executable must not be used afterwards. */
  dispose(): Promise<void>;
}

export interface OperationTiming {
  /** Operation and layer, such as `convolutionBackward layer1.0.conv1`. */
  readonly name: string;
  readonly milliseconds: number;
  /** Multiply-adds of the direct algorithm for the batch. */
  readonly multiplyAdds: number;
  /**
   * Bytes of every buffer of images that it reads or writes, each once: what memory must carry where
   * nothing is left in a cache. Weights and small sums are not counted.
   */
  readonly bytes: number;
}

/** What a program would take of a backend's memory. */
export interface MemoryNeed {
  /** Of an executable, buffers and scratch. */
  readonly bytes: number;
  /** Whether there is room for it, as far as the backend can tell before it compiles. */
  readonly fits: boolean;
}

export interface Backend {
  readonly name: 'reference' | 'wasm' | 'webgpu';
  /** One line for people: threads, SIMD width, adapter. */
  readonly description: string;
  /** Facts for `environment.json`. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
  /** Plans a program's memory without compiling it. */
  plan(program: Program): Promise<MemoryNeed>;
  /**
   * @param from what an executable of the same program gave by `readState`, to go on from
   * @throws UserError where the device has no room for it
   */
  compile(program: Program, from?: ExecutableState): Promise<Executable>;
  dispose(): Promise<void>;
}
