// PyTorch's SGD with momentum over all trained parameters at once: v = m·v + (g + λ·w), w = w − rate·v
// (Nesterov's: w − rate·(g + λ·w + m·v)).
// In half precision a step whose gradients overflowed changes nothing (loss-scale.ts).

import type { ParameterRange } from '../../operations/operands.ts';
import type { Sgd } from '../../operations/sgd.ts';
import type { CompileContext } from '../context.ts';
import { findOverflow, overflowed, updateLossScale } from '../loss-scale.ts';

const THREADS = 256;
/** Rows of a kernel's table: a binding of 64 KiB has room for four times as many. */
const LONGEST_TABLE = 1024;

export function sgd(context: CompileContext, operation: Sgd): void {
  const { elements: end } = context.program.buffers[context.program.named.parameters]!;
  findOverflow(context, operation);
  updateRanges(context, [{ from: operation.from, end }], operation.nesterov);
  updateLossScale(context);
}

/** @param part names the kernels, where SGD is only part of the operation */
export function updateRanges(
  context: CompileContext,
  ranges: readonly ParameterRange[],
  nesterov: boolean,
  part?: string,
): void {
  for (const some of inTables(ranges)) {
    const builder = context.builder();
    const range = builder.table(some.map(({ from, end }) => [from / 4, end / 4]));
    const weights = builder.array('weights', context.flat('parameters'), 'read_write', 'vec4f');
    const gradients = builder.array('gradients', context.flat('gradients'), 'read', 'vec4f');
    const velocity = builder.array('velocity', context.flat('momentum'), 'read_write', 'vec4f');
    const step = builder.step();
    const longest = Math.max(...some.map(({ from, end }) => end - from)) / 4;
    context.add(builder, {
      part,
      threads: THREADS,
      body: `
        let range = ${range('group.y')};
        let i = range.x + group.x * ${THREADS}u + tid;
        if (i >= range.y ${builder.isScaled ? `|| ${overflowed(builder)}` : ''}) { return; }
        let d = ${gradients}[i] + ${step}.weightDecay * ${weights}[i];
        let v = ${step}.momentum * ${velocity}[i] + d;
        ${velocity}[i] = v;
        ${weights}[i] -= ${step}.learningRate * ${nesterov ? `(d + ${step}.momentum * v)` : 'v'};`,
      workgroups: () => [Math.ceil(longest / THREADS), some.length],
      updatesWeights: true,
    });
  }
}

/** Things in groups that a kernel's table has room for. */
export function inTables<T>(things: readonly T[]): T[][] {
  const count = Math.ceil(things.length / LONGEST_TABLE);
  return Array.from({ length: count }, (_, i) =>
    things.slice(i * LONGEST_TABLE, (i + 1) * LONGEST_TABLE),
  );
}
