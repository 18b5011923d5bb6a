// Messages between the main thread and the workers. A program is sent once, compiled; a step is one
// small message to each worker and one reply from the worker that finished last. Everything else
// goes through the shared memory.

import type { SgdSettings } from '../backend.ts';
import type { Program } from '../program.ts';
import type { WasmMemory, WasmModule } from './webassembly.ts';

/** How 3×3 convolutions of stride 1 are computed. */
export type ConvolutionAlgorithm = 'winograd4' | 'winograd2' | 'direct';

/** Where the executor's own memory lies, after the program's. All bytes, multiples of 128. */
export interface MemoryMap {
  /** Control words, sums, coefficients: one for all threads. */
  readonly shared: number;
  /** Staging images and transformed tiles of thread 0. */
  readonly scratch: number;
  /** From one thread's scratch to the next one's. */
  readonly scratchStride: number;
  /** Of the whole memory. */
  readonly bytes: number;
}

export interface StepSettings {
  /** Images in this batch. */
  readonly count: number;
  readonly sgd?: SgdSettings;
}

export type WorkerRequest =
  | {
      readonly kind: 'load';
      readonly id: number;
      readonly program: Program;
      readonly convolution: ConvolutionAlgorithm;
      readonly module: WasmModule;
      readonly memory: WasmMemory;
      readonly map: MemoryMap;
      /** This worker's number, 0 to threads - 1. */
      readonly thread: number;
      readonly threads: number;
      /** False when there are more threads than cores: then spinning only takes turns away. */
      readonly spin: boolean;
    }
  | {
      readonly kind: 'run';
      readonly id: number;
      /** The weights changed since the last run. */
      readonly setup: boolean;
      /** Measure every operation. */
      readonly profile: boolean;
      readonly step: StepSettings;
    }
  | { readonly kind: 'unload'; readonly id: number };

export type WorkerReply =
  /** Sent once, before the first request. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'loaded'; readonly id: number }
  | { readonly kind: 'finished'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly reason: string };
