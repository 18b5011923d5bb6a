// V8's WebAssembly compiler flags. They must be set before the first module is compiled, in the main
// thread as in each worker process; V8 caches compiled code by its bytes, so a module that was compiled
// before stays as it is.

import { setFlagsFromString } from 'node:v8';

export interface CompilerFlags {
  /** Fuse pairs of 128-bit operations to 256 bits where the processor has them (default true). */
  readonly wide?: boolean;
}

/**
 * Prepares V8 for the kernels: the optimising compiler alone and at once (kernels are few and run
 * long), and `--experimental-wasm-revectorize` for 256-bit registers. A V8 without a flag ignores it;
 * what is in effect is measured (`measureSimd`).
 */
export function prepareCompiler({ wide = true }: CompilerFlags = {}): void {
  setFlagsFromString('--no-liftoff');
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString(
    wide ? '--experimental-wasm-revectorize' : '--no-experimental-wasm-revectorize',
  );
}

/** V8's own way again: compile quickly first, optimise what runs often. */
export function restoreCompiler(): void {
  setFlagsFromString('--liftoff');
  setFlagsFromString('--wasm-tier-up');
}
