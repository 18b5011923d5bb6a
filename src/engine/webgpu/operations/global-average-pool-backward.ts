// The gradient of global average pooling: one workgroup an image, whose threads share out pixels and
// vectors of channels.

import type { GlobalAveragePoolBackward } from '../../operations/global-average-pool-backward.ts';
import type { CompileContext } from '../context.ts';
import { gateCode, sumsCode } from '../gate.ts';
import { at, HERE } from '../operands.ts';
import { float, lanesPerQuad } from '../reduce.ts';

/** dz = dPooled / size², where x > 0; sums for the norms that made x. */
export function globalAveragePoolBackward(
  context: CompileContext,
  operation: GlobalAveragePoolBackward,
): void {
  const { size, channels, gate, output } = operation;
  const builder = context.builder();
  const shape = { size, channels };
  const gradient = builder.array('gradient', operation.gradient, 'read', 'vec4f');
  const gated = gateCode(builder, gate, shape);
  const result = builder.tensor('result', output, 'read_write');
  const sums = sumsCode(context, builder, operation.sums, shape, 1);
  const lanes = lanesPerQuad(channels);
  const threads = lanes * (channels / 4);
  context.add(builder, {
    threads,
    declarations: `var<workgroup> exchange: array<vec4f, ${threads * Math.max(1, sums.count)}>;`,
    body: `
        let image = group.x;
        let c4 = tid / ${lanes}u;
        let mean = ${gradient}[image * ${channels / 4}u + c4] * ${float(1 / (size * size))};
        ${sums.declare}
        for (var p = tid % ${lanes}u; p < ${builder.bound(size * size)}; p += ${lanes}u) {
          let row = p / ${size}u;
          let column = p % ${size}u;
          var v = mean;
          ${gated(HERE)}
          ${result.store(at(shape, HERE), 'v')}
          ${sums.add(HERE)}
        }
        ${sums.finish('exchange', threads, lanes, 'image', `tid % ${lanes}u == 0u`)}`,
    workgroups: (count) => [count, 1],
  });
}
