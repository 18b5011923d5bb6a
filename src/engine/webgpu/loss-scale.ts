// Dynamic loss scaling for half precision (Micikevicius et al., "Mixed precision training", 2018). Small
// gradients would vanish in half precision, so the loss's gradient is multiplied by a scale, feature
// maps' gradients are stored times that scale, and the parameters' gradients, in float32, are divided
// by it again. Where a stored gradient overflows, the step is left out and the scale halved; after
// 2,000 steps without that it is doubled (PyTorch's GradScaler).
//
// A value that half precision cannot hold puts a huge number into its channel's sum (gate.ts), so one
// look at the float32 gradients of the parameters finds it. The comparison is on the bits: infinities
// and NaN are the largest integers, and no compiler may assume that they do not occur.

import type { ParameterOffset } from '../operations/operands.ts';
import type { CompileContext } from './context.ts';
import { type KernelBuilder, LOSS_SCALE } from './kernel.ts';

const GROWTH_INTERVAL = 2000;
/** The gradient of the largest scale is still far from overflowing float32. */
const LARGEST_SCALE = 2 ** 24;
const SMALLEST_SCALE = 1;

/** Bits of 1e30: no gradient is that large. */
const HUGE_BITS = '0x7149f2cau';
const THREADS = 256;
/** Vectors of a thread. */
const EACH = 4;

/** Sets `overflow` where a gradient is huge, infinite or NaN. */
export function findOverflow(
  context: CompileContext,
  { from }: { readonly from: ParameterOffset },
): void {
  const { program } = context;
  const builder = context.builder();
  if (!builder.isScaled) return;
  const gradients = builder.array('gradients', context.flat('gradients'), 'read', 'vec4f');
  const state = builder.array('state', { kind: 'lossScale' }, 'read_write', 'atomic<u32>');
  const first = from / 4;
  const total = program.buffers[program.named.parameters]!.elements / 4;
  context.add(builder, {
    part: 'overflow',
    threads: THREADS,
    body: `
        var huge = false;
        for (var k = 0u; k < ${builder.bound(EACH)}; k++) {
          let i = ${first}u + (group.x * ${EACH}u + k) * ${THREADS}u + tid;
          if (i < ${total}u) {
            let bits = bitcast<vec4u>(${gradients}[i]) & vec4u(0x7fffffffu);
            huge = huge || any(bits > vec4u(${HUGE_BITS}));
          }
        }
        if (huge) { atomicStore(&${state}[${LOSS_SCALE.overflow}], 1u); }`,
    workgroups: () => [Math.ceil((total - first) / (THREADS * EACH)), 1],
    updatesWeights: true,
  });
}

/** Whether this step's gradients overflowed, as a bool expression. */
export function overflowed(builder: KernelBuilder): string {
  const state = builder.array('state', { kind: 'lossScale' }, 'read', 'u32');
  return `${state}[${LOSS_SCALE.overflow}] != 0u`;
}

/** The next step's scale. */
export function updateLossScale(context: CompileContext): void {
  const builder = context.builder();
  if (!builder.isScaled) return;
  const state = builder.array('state', { kind: 'lossScale' }, 'read_write', 'u32');
  context.add(builder, {
    part: 'loss scale',
    threads: 1,
    body: `
        var scale = bitcast<f32>(${state}[${LOSS_SCALE.scale}]);
        var goodSteps = ${state}[${LOSS_SCALE.goodSteps}] + 1u;
        if (${state}[${LOSS_SCALE.overflow}] != 0u) {
          scale = max(0.5 * scale, ${SMALLEST_SCALE}.0);
          goodSteps = 0u;
        } else if (goodSteps >= ${GROWTH_INTERVAL}u) {
          scale = min(2.0 * scale, ${LARGEST_SCALE}.0);
          goodSteps = 0u;
        }
        ${state}[${LOSS_SCALE.scale}] = bitcast<u32>(scale);
        ${state}[${LOSS_SCALE.inverse}] = bitcast<u32>(1.0 / scale);
        ${state}[${LOSS_SCALE.goodSteps}] = goodSteps;
        ${state}[${LOSS_SCALE.overflow}] = 0u;`,
    workgroups: () => [1, 1],
    updatesWeights: true,
  });
}
