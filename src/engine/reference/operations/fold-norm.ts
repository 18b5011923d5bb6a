// Weights times the running scale, then the running shift, as one buffer.

import { NORM_EPSILON } from '../../constants.ts';
import type { FoldNorm } from '../../operations/fold-norm.ts';
import { bufferOf, namedOf, normOf, type ReferenceState } from '../state.ts';
import { weightOf } from '../taps.ts';

export function foldNorm(state: ReferenceState, operation: FoldNorm): void {
  const { conv, norm, output } = operation;
  const { spec } = normOf(state, norm);
  const parameters = namedOf(state, 'parameters');
  const running = namedOf(state, 'running');
  const folded = bufferOf(state, output);
  const weight = weightOf(state, conv);
  for (let o = 0; o < conv.outChannels; o++) {
    const deviation = Math.sqrt(running[spec.runningVariance + o]! + NORM_EPSILON);
    const scale = parameters[spec.gamma + o]! / deviation;
    for (let i = o; i < weight.length; i += conv.outChannels) folded[i] = weight[i]! * scale;
    folded[weight.length + o] = parameters[spec.beta + o]! - running[spec.runningMean + o]! * scale;
  }
}
