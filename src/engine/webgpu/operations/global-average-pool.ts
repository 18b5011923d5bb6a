// Global average pooling: one workgroup an image, whose threads share out pixels and vectors of channels.

import type { GlobalAveragePool } from '../../operations/global-average-pool.ts';
import type { CompileContext } from '../context.ts';
import { activationOperand, HERE } from '../operands.ts';
import { float, lanesPerQuad, sumOverLanes } from '../reduce.ts';

/** output[image][channel] = mean of input over its map. */
export function globalAveragePool(context: CompileContext, operation: GlobalAveragePool): void {
  const { size, channels, output } = operation;
  const builder = context.builder();
  const operand = activationOperand(builder, operation.input, operation, context.program.named);
  const pooled = builder.array('pooled', output, 'read_write', 'vec4f');
  const lanes = lanesPerQuad(channels);
  const threads = lanes * (channels / 4);
  context.add(builder, {
    threads,
    declarations: `var<workgroup> sums: array<vec4f, ${threads}>;`,
    body: `
        let image = group.x;
        let c4 = tid / ${lanes}u;
        ${operand.prepare('c4')}
        var sum = vec4f();
        for (var p = tid % ${lanes}u; p < ${builder.bound(size * size)}; p += ${lanes}u) {
          let row = p / ${size}u;
          let column = p % ${size}u;
          var v = vec4f();
          ${operand.load(HERE)}
          ${operand.keep?.(HERE) ?? ''}
          sum += v;
        }
        ${sumOverLanes(builder, 'sums', threads, lanes, ['sum'])}
        if (tid % ${lanes}u == 0u) {
          ${pooled}[image * ${channels / 4}u + c4] = sum * ${float(1 / (size * size))};
        }`,
    workgroups: (count) => [count, 1],
  });
}
