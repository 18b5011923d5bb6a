// The classifier: logits = pooled · weightᵀ + bias with weight [out][in]. A thousandth of the network's
// work, so one thread a result, in the plainest way.

import type { Linear } from '../../operations/linear.ts';
import type { CompileContext } from '../context.ts';

const THREADS = 64;

export function linear(context: CompileContext, operation: Linear): void {
  const { input, output, inFeatures, outFeatures } = operation;
  const builder = context.builder();
  const parameters = builder.array('parameters', context.flat('parameters'), 'read', 'f32');
  const x = builder.array('x', input, 'read', 'f32');
  const logits = builder.array('logits', output, 'read_write', 'f32');
  const weight = builder.constant(operation.weight);
  const bias = builder.constant(operation.bias);
  const step = builder.step();
  context.add(builder, {
    threads: THREADS,
    body: `
        let i = group.x * ${THREADS}u + tid;
        let image = i / ${outFeatures}u;
        let o = i % ${outFeatures}u;
        if (image >= ${step}.count) { return; }
        var sum = ${parameters}[${bias} + o];
        for (var k = 0u; k < ${builder.bound(inFeatures)}; k++) {
          sum += ${parameters}[${weight} + o * ${inFeatures}u + k] * ${x}[image * ${inFeatures}u + k];
        }
        ${logits}[i] = sum;`,
    workgroups: (count) => [Math.ceil((count * outFeatures) / THREADS), 1],
  });
}
