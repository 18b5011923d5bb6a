// What a program needs from WebAssembly before it can run: which kernels, and how much memory. Found
// by building its schedule once without running it.

import { UserError } from '../../util/errors.ts';
import type { Backend } from '../backend.ts';
import { outOfMemory } from '../device-error.ts';
import { align } from '../plan.ts';
import type { Program } from '../program.ts';
import { type BuiltContext, storedBytes } from './executor/build-context.ts';
import type { KernelLookup } from './executor/context.ts';
import { buildSchedule } from './executor/schedule.ts';
import type { KernelSpec } from './kernels/kernel.ts';
import type { ConvolutionAlgorithm, MemoryMap } from './protocol.ts';
import { WASM_PAGE } from './webassembly.ts';

/** All that 32-bit addresses reach. */
const MOST_BYTES = 65536 * WASM_PAGE;

export interface ExecutablePlan {
  readonly specs: readonly KernelSpec[];
  readonly map: MemoryMap;
  /** Addresses inside the shared region are final; those of scratch are relative to a thread's. */
  readonly context: BuiltContext;
}

/** Plans a program, whether or not it fits in a 32-bit memory: see `checkSize`. */
export function planExecutable(
  program: Program,
  algorithm: ConvolutionAlgorithm,
  threads: number,
): ExecutablePlan {
  const specs = new Map<string, KernelSpec>();
  const note = ((spec: KernelSpec) => {
    specs.set(spec.name, spec);
    return unavailable;
  }) as unknown as KernelLookup;
  const shared = align(storedBytes(program));
  const { context } = buildSchedule({
    program,
    algorithm,
    kernel: note,
    sharedBase: shared,
    scratchBase: 0,
  });
  const scratch = align(shared + context.shared.size, 4096);
  const scratchStride = align(context.scratchArena.size, 4096);
  const bytes = align(scratch + threads * scratchStride, WASM_PAGE);
  return { specs: [...specs.values()], map: { shared, scratch, scratchStride, bytes }, context };
}

/** How much memory programs take on this engine, known without starting it. */
export function memoryPlanner(
  algorithm: ConvolutionAlgorithm,
  threads: number,
): Pick<Backend, 'plan'> {
  return {
    async plan(program) {
      const { bytes } = planExecutable(program, algorithm, threads).map;
      return { bytes, fits: bytes <= MOST_BYTES };
    },
  };
}

function unavailable(): never {
  throw new Error('a kernel was called in a schedule that is only planned');
}

/** Whether blocks run again in the backward pass instead of keeping their activations. */
export function recomputes({ body }: Program): boolean {
  return body.some((operation) => operation.kind === 'convolution' && operation.norm === undefined);
}

/** Whether recomputing activations would make this program smaller. */
export function mayRecompute(program: Program): boolean {
  return program.mode === 'train' && !recomputes(program);
}

/** @throws UserError where memory does not suffice: threads cost too much, or what they share does */
export function checkSize(program: Program, { bytes, scratch, scratchStride }: MemoryMap): void {
  if (bytes <= MOST_BYTES) return;
  const { network, batchSize, mode } = program;
  const step = `A ${mode === 'train' ? 'training' : 'inference'} step of ${network.arch}`;
  const needs = `needs ${(bytes / 2 ** 30).toFixed(1)} GiB, and WebAssembly has 4 GiB`;
  const threads = Math.floor((MOST_BYTES - scratch) / scratchStride);
  const images = Math.max(1, Math.floor((0.95 * batchSize * MOST_BYTES) / bytes));
  const advice = threads > 0 ? `at most ${threads} threads` : `a smaller batch (about ${images})`;
  const problem = `${step} with ${batchSize} images ${needs}`;
  throw new UserError(...outOfMemory(problem, advice, mayRecompute(program)));
}
