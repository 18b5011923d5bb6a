// PyTorch's SGD with momentum over all trained parameters at once: v = m·v + (g + λ·w), w = w − rate·v
// (Nesterov's: w − rate·(g + λ·w + m·v)).
// In half precision a step whose gradients overflowed changes nothing (loss-scale.ts).

import type { Sgd } from '../../operations/sgd.ts';
import type { CompileContext } from '../context.ts';
import { findOverflow, overflowed, updateLossScale } from '../loss-scale.ts';

const THREADS = 256;

export function sgd(context: CompileContext, operation: Sgd): void {
  const { program } = context;
  findOverflow(context, operation);
  const builder = context.builder();
  const weights = builder.array('weights', context.flat('parameters'), 'read_write', 'vec4f');
  const gradients = builder.array('gradients', context.flat('gradients'), 'read', 'vec4f');
  const velocity = builder.array('velocity', context.flat('momentum'), 'read_write', 'vec4f');
  const step = builder.step();
  const first = operation.from / 4;
  const total = program.buffers[program.named.parameters]!.elements / 4;
  context.add(builder, {
    threads: THREADS,
    body: `
        let i = ${first}u + group.x * ${THREADS}u + tid;
        if (i >= ${total}u ${builder.isScaled ? `|| ${overflowed(builder)}` : ''}) { return; }
        let d = ${gradients}[i] + ${step}.weightDecay * ${weights}[i];
        let v = ${step}.momentum * ${velocity}[i] + d;
        ${velocity}[i] = v;
        ${weights}[i] -= ${step}.learningRate * ${operation.nesterov ? `(d + ${step}.momentum * v)` : 'v'};`,
    workgroups: () => [Math.ceil((total - first) / THREADS), 1],
    updatesWeights: true,
  });
  updateLossScale(context);
}
