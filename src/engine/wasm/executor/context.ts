// What the parts of a schedule share while it is built: the program, kernels, views of the memory,
// the addresses of buffers and of everything the executor keeps for itself.

import type {
  BufferId,
  BufferSpec,
  NormId,
  NormSpec,
  Program,
  ProgramBuffers,
} from '../../program.ts';
import type { KernelSpec } from '../kernels/kernel.ts';
import type { WinogradTile } from '../kernels/winograd/layout.ts';
import type { ConvolutionAlgorithm, StepSettings } from '../protocol.ts';
import type { Arena } from './arena.ts';
import type { Control } from './control.ts';
import type { Scratch } from './scratch.ts';

/** Looks up a kernel; in the main thread, where nothing runs, it notes that the kernel is needed. */
export type KernelLookup = <Call>(spec: KernelSpec<Call>) => Call;

/** Views of the whole memory. */
export interface MemoryViews {
  readonly i32: Int32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
}

/** Addresses of what is kept for one batch normalisation. */
export interface NormAddresses {
  /** [scale C][shift C], float32. */
  readonly forward: number;
  /** [k1 C][k2 C][k3 C], float32. */
  readonly backward: number;
  /** [mean C][1/deviation C], float64. */
  readonly moments: number;
  /** [Σ first C][Σ second C] over the batch, float64. */
  readonly totals: number;
}

/**
 * First image of the block at hand where activations are kept for one block only, else always 0.
 */
export interface Window {
  first: number;
}

/** A buffer's place: `at(image)` is the byte address of one image's row. */
export class PlacedBuffer {
  private readonly base: number;
  private readonly stride: number;
  private readonly window: Window;

  constructor(base: number, stride: number, window: Window) {
    this.base = base;
    this.stride = stride;
    this.window = window;
  }

  at(image: number): number {
    return this.base + (image - this.window.first) * this.stride;
  }
}

export interface Context {
  readonly program: Program;
  /** Winograd's tile, or null when everything is computed directly. */
  readonly tile: WinogradTile | null;
  readonly kernel: KernelLookup;
  readonly memory: MemoryViews;
  readonly control: Control;
  readonly shared: Arena;
  readonly scratch: Scratch;
  readonly norms: readonly NormAddresses[];
  /** Float64 sums a block, for two batch norms: see `sums.ts`. */
  readonly sumSlots: readonly [number, number];
  readonly sumStride: number;
  /** Bytes from one block's weight gradient to the next one's. */
  readonly gradientStride: number;
  /** Inference: where a convolution's folded weights are in the kernels' form. */
  readonly preparedWeights: Map<BufferId, number>;
  /** Address of this thread's milliseconds by operation (float64), for profiles. */
  readonly times: number;
  readonly window: Window;
  /** The step being run; replaced before each. */
  readonly step: { settings: StepSettings };
  /** Images in a block of passes that sum weight gradients, and of the head. */
  readonly blockImages: number;
  /** Memory for a convolution's transformed weights, good until the one after the next takes it. */
  takeWeightSlot(): number;
  /** Memory for a weight gradient a block, likewise. */
  takeGradientSlot(): number;
  /** More memory of this thread's own, for an operation to work in. */
  ownMemory(bytes: number): number;
  /** Address of a flat buffer: one of those with names, or folded weights. */
  flat(buffer: BufferId | keyof ProgramBuffers): number;
  /** Place of a buffer with one row an image. */
  images(id: BufferId): PlacedBuffer;
  /** Memory for one block's padded shortcuts in the shape of their sum. */
  gathered(): PlacedBuffer;
}

export function bufferSpec({ buffers }: Pick<Program, 'buffers'>, id: BufferId): BufferSpec {
  return buffers[id] as BufferSpec;
}

export function normSpec({ program }: Context, norm: NormId): NormSpec {
  return program.norms[norm] as NormSpec;
}

export function normAddresses({ norms }: Context, norm: NormId): NormAddresses {
  return norms[norm] as NormAddresses;
}

/** The same as indices: into `f32`, moments and totals into `f64`. */
export function normIndices(context: Context, norm: NormId): NormAddresses {
  const { forward, backward, moments, totals } = normAddresses(context, norm);
  return {
    forward: forward / 4,
    backward: backward / 4,
    moments: moments / 8,
    totals: totals / 8,
  };
}

/** Winograd's tile edge of an algorithm. */
export function tileOf(algorithm: ConvolutionAlgorithm): WinogradTile | null {
  switch (algorithm) {
    case 'winograd4':
      return 4;
    case 'winograd2':
      return 2;
    case 'direct':
      return null;
    default:
      throw new Error(`unknown convolution ${algorithm satisfies never}`);
  }
}
