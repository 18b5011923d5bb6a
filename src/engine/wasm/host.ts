// What the WebAssembly backend needs from the machine it runs on, so that the same engine works in
// Node.js and in a browser tab: how many cores there are, how the compiler is told about wide SIMD,
// and how a worker is started.

import type { WorkerReply, WorkerRequest } from './protocol.ts';

export interface WasmWorker {
  post(request: WorkerRequest): void;
  /** Whether the worker should keep the process alive (only while it has something to do). */
  keepAlive(active: boolean): void;
  terminate(): Promise<void>;
}

export interface WorkerEvents {
  reply(reply: WorkerReply): void;
  /** The worker died: an uncaught error, memory, or somebody ended it. */
  crashed(reason: string): void;
}

export interface WasmHost {
  /** Cores this process may use. */
  readonly cores: number;
  /**
   * Tells the WebAssembly compiler to optimise at once and, where it can, to fuse pairs of 128-bit
   * operations. Must be called before the kernels are compiled.
   */
  prepareCompiler(): void;
  /** Starts a worker, which replies 'ready' when it can be given work. */
  startWorker(events: WorkerEvents): WasmWorker;
}
