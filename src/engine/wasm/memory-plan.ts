// Where the bytes of a program go on the CPU engine, found without running or allocating anything:
// the program's own plan (buffers with disjoint lives share memory) and the executor's layout behind
// it. Everything lies in one WebAssembly memory, so its size is the peak, but for the process itself.

import { align, bufferBytes } from '../plan.ts';
import type { BufferRole, Program } from '../program.ts';
import { storedBytes } from './executor/build-context.ts';
import { checkSize, planExecutable, recomputes } from './plan-executable.ts';
import type { ConvolutionAlgorithm } from './protocol.ts';

/** Bytes of one executable. The parts add up to `peak`. */
export interface MemoryPlan {
  /** Parameters, running statistics, folded weights. */
  readonly weights: number;
  /** Gradients and momentum; 0 in inference. */
  readonly gradients: number;
  /** One batch of images, labels and crops, and the logits. */
  readonly batch: number;
  /** Most that is alive at a time, with what placement loses; in inference part of `scratch`. */
  readonly activations: number;
  /** Sums, transformed weights, partial weight gradients; and what each thread has for itself. */
  readonly scratch: number;
  readonly peak: number;
  /** Whether blocks run again in the backward pass instead of keeping their activations. */
  readonly recomputes: boolean;
}

/** @throws UserError when the program does not fit in a 32-bit memory */
export function planOfMemory(
  program: Program,
  convolution: ConvolutionAlgorithm,
  threads: number,
): MemoryPlan {
  const { map } = planExecutable(program, convolution, threads);
  checkSize(program, map);
  const stored = storedBytes(program);
  const bytesOf = (...roles: readonly BufferRole[]) =>
    program.buffers
      .filter(({ role }) => roles.includes(role))
      .reduce((sum, buffer) => sum + align(bufferBytes(buffer)), 0);
  const weights = bytesOf('parameters', 'running', 'folded');
  const gradients = bytesOf('gradients', 'momentum');
  const batch = bytesOf('input', 'output');
  return {
    weights,
    gradients,
    batch,
    activations: stored - weights - gradients - batch,
    scratch: map.bytes - stored,
    peak: map.bytes,
    recomputes: recomputes(program),
  };
}
