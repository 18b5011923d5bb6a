// memory.copy and memory.fill as kernels, so that worker threads need nothing but the kernel module.

import { memory } from '../assembler/instructions.ts';
import { defineKernel } from './kernel.ts';

/** Large results are collected in L2 and then written in one run. */
export const copyBytes = defineKernel({
  name: 'copyBytes',
  parameters: ['destination', 'source', 'bytes'],
  generate: (_, declare) => {
    const { fn, destination, source, bytes } = declare();
    fn.body(memory.copy(destination, source, bytes));
  },
});

export const zeroBytes = defineKernel({
  name: 'zeroBytes',
  parameters: ['destination', 'bytes'],
  generate: (_, declare) => {
    const { fn, destination, bytes } = declare();
    fn.body(memory.fill(destination, 0, bytes));
  },
});
