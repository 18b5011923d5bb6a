// Weights in the forms that kernels multiply with: as they are, transformed for Winograd, or with
// input and output exchanged for the gradient of the input. While training they change every step,
// so each form is made just before it is used, in one of two slots taken in turn, beside the phase
// before; the memory does not grow with depth. For inference each convolution has its own.

import { convolutionWeights } from '../../../nn/multiply-adds.ts';
import type { ConvolutionGeometry } from '../../program.ts';
import { parityWeights, reverseWeights } from '../kernels/rearrange-weights.ts';
import { winogradPlanes } from '../kernels/winograd/layout.ts';
import { winogradWeights } from '../kernels/winograd/weights.ts';
import { usesWinograd } from './blocks.ts';
import type { Context } from './context.ts';
import type { Contribution } from './schedule-types.ts';

export interface PreparedWeights {
  /** Address of the weights in the form the kernels want. */
  readonly address: number;
  /** What must run before they are used; absent when they are used as they are. */
  readonly prepare?: Contribution['before'];
}

/** Bytes of the largest form of a convolution's weights. */
export function preparedBytes({ tile }: Pick<Context, 'tile'>, conv: ConvolutionGeometry): number {
  const floats = usesWinograd(conv, tile)
    ? winogradPlanes(tile) * conv.inChannels * conv.outChannels
    : convolutionWeights(conv);
  return floats * 4;
}

/** Weights of the forward convolution. `slot` asks for memory only where a transform needs it. */
export function forwardWeights(
  context: Context,
  conv: ConvolutionGeometry,
  weights: number,
  slot: () => number,
): PreparedWeights {
  if (!usesWinograd(conv, context.tile)) return { address: weights };
  const address = slot();
  const transform = context.kernel(winogradWeights({ tile: context.tile }));
  const planeBytes = conv.inChannels * conv.outChannels * 4;
  return { address, prepare: once(() => transform(weights, address, planeBytes)) };
}

/** Weights of the input gradient: input and output channels exchanged, taps mirrored. */
export function backwardWeights(context: Context, conv: ConvolutionGeometry): PreparedWeights {
  const { kernel, stride, inChannels, outChannels } = conv;
  const weights = context.flat('parameters') + conv.weight * 4;
  const address = context.takeWeightSlot();
  const shape = { kernel, inputChannels: inChannels, outputChannels: outChannels } as const;
  if (stride === 2 && kernel === 3) {
    const reorder = context.kernel(parityWeights(shape));
    return { address, prepare: once(() => reorder(weights, address)) };
  }
  const reverse = context.kernel(reverseWeights(shape));
  if (!usesWinograd(conv, context.tile)) {
    return { address, prepare: once(() => reverse(weights, address)) };
  }
  const transform = context.kernel(winogradWeights({ tile: context.tile }));
  const reversed = context.scratch.weights;
  const prepare = once(() => {
    reverse(weights, reversed);
    transform(reversed, address, inChannels * outChannels * 4);
  });
  return { address, prepare };
}

function once(run: () => void): Contribution['before'] {
  return { tasks: () => 1, run };
}
