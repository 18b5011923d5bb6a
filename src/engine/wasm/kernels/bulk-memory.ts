// memory.copy and memory.fill as kernels, so that worker threads need nothing but the kernel module.

import { memory } from '../assembler/instructions.ts';
import type { Context } from './context.ts';
import { kernelName, type SpecOf } from './signatures.ts';

type Spec = SpecOf<'copyBytes'>;

export function generateCopyBytes(context: Context, spec: Spec): void {
  const fn = context.module.function(kernelName(spec));
  const [destination, source, bytes] = fn.addresses(3);
  fn.body(memory.copy(destination, source, bytes));
}

export function generateZeroBytes(context: Context, spec: Spec): void {
  const fn = context.module.function(kernelName(spec));
  const [destination, bytes] = fn.addresses(2);
  fn.body(memory.fill(destination, 0, bytes));
}
