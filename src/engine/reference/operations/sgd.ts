// PyTorch's SGD with momentum: v = m·v + (g + λ·w), w = w − rate·v. The weight decay λ acts on every
// parameter, batch norm and bias included; the first step of PyTorch (v = g + λ·w) is this with
// v = 0. Nesterov's momentum steps by what the next step would add, were the gradient zero:
// w = w − rate·(g + λ·w + m·v), with the new v.

import type { SgdSettings } from '../../backend.ts';
import type { ParameterRange } from '../../operations/operands.ts';
import type { Sgd } from '../../operations/sgd.ts';
import { namedOf, type ReferenceState } from '../state.ts';

export function sgd(state: ReferenceState, { from, nesterov }: Sgd): void {
  const settings = state.batch.sgd;
  if (!settings) return;
  const end = namedOf(state, 'parameters').length;
  updateRange(state, settings, { from, end }, nesterov);
}

export function updateRange(
  state: ReferenceState,
  { learningRate, momentum, weightDecay }: SgdSettings,
  { from, end }: ParameterRange,
  nesterov: boolean,
): void {
  const weights = namedOf(state, 'parameters');
  const gradients = namedOf(state, 'gradients');
  const velocity = namedOf(state, 'momentum');
  for (let i = from; i < end; i++) {
    const decayed = gradients[i]! + weightDecay * weights[i]!;
    velocity[i] = momentum * velocity[i]! + decayed;
    weights[i]! -= learningRate * (nesterov ? decayed + momentum * velocity[i]! : velocity[i]!);
  }
}
