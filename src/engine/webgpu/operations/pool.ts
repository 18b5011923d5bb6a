// Global average pooling and its gradient: one workgroup an image, whose threads share out pixels and
// vectors of channels.

import type { CompileContext, Of } from '../context.ts';
import { gateCode, sumsCode } from '../gate.ts';
import { activationOperand, at } from '../operands.ts';
import { exchangeArray, float, sumOverLanes } from '../reduce.ts';

/** Threads that share the pixels of one vector of channels: 256 for 64 channels. */
function lanesOf(channels: number): number {
  let lanes = 1;
  while (lanes * 2 * (channels / 4) <= 256 && lanes < 64) lanes *= 2;
  return lanes;
}

/** output[image][channel] = mean of input over its map. */
export function globalAveragePool(
  context: CompileContext,
  operation: Of<'globalAveragePool'>,
): void {
  const { size, channels, output } = operation;
  const builder = context.builder();
  const operand = activationOperand(
    builder,
    operation.input,
    { size, channels },
    context.program.named,
  );
  const pooled = builder.array('pooled', { kind: 'buffer', id: output }, 'read_write', 'vec4f');
  const lanes = lanesOf(channels);
  const threads = lanes * (channels / 4);
  const place = { image: 'image', row: 'row', column: 'column', c4: 'c4' };
  context.kernels.push(
    builder.build({
      label: 'globalAveragePool',
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
          ${operand.load(place)}
          ${operand.keep?.(place) ?? ''}
          sum += v;
        }
        ${sumOverLanes(builder, exchangeArray('sums'), threads, lanes, ['sum'])}
        if (tid % ${lanes}u == 0u) {
          ${pooled}[image * ${channels / 4}u + c4] = sum * ${float(1 / (size * size))};
        }`,
      workgroups: (count) => [count, 1],
    }),
  );
}

/** dz = dPooled / size², where x > 0; sums for the norms that made x. */
export function globalAveragePoolBackward(
  context: CompileContext,
  operation: Of<'globalAveragePoolBackward'>,
): void {
  const { size, channels, gate, output } = operation;
  const builder = context.builder();
  const shape = { size, channels };
  const gradient = builder.array(
    'gradient',
    { kind: 'buffer', id: operation.gradient },
    'read',
    'vec4f',
  );
  const gated = gateCode(builder, gate, shape);
  const result = builder.tensor('result', output, 'read_write');
  const sums = sumsCode(context, builder, operation.sums, shape, 1);
  const lanes = lanesOf(channels);
  const threads = lanes * (channels / 4);
  const place = { image: 'image', row: 'row', column: 'column', c4: 'c4' };
  context.kernels.push(
    builder.build({
      label: 'globalAveragePoolBackward',
      threads,
      declarations: `var<workgroup> exchange: array<vec4f, ${threads * Math.max(1, sums?.variables.length ?? 0)}>;`,
      body: `
        let image = group.x;
        let c4 = tid / ${lanes}u;
        let mean = ${gradient}[image * ${channels / 4}u + c4] * ${float(1 / (size * size))};
        ${(sums?.variables ?? []).map((name) => `var ${name} = vec4f();`).join('\n')}
        for (var p = tid % ${lanes}u; p < ${builder.bound(size * size)}; p += ${lanes}u) {
          let row = p / ${size}u;
          let column = p % ${size}u;
          var v = mean;
          ${gated(place)}
          ${result.store(at(shape, place), 'v')}
          ${sums?.add(place) ?? ''}
        }
        ${
          sums
            ? `${sumOverLanes(builder, exchangeArray('exchange'), threads, lanes, sums.variables)}
               if (tid % ${lanes}u == 0u) { ${sums.store('image', 'c4')} }`
            : ''
        }`,
      workgroups: (count) => [count, 1],
    }),
  );
}
