// The optimizer's numbers of a step, and what it is called.

import type { SgdSettings } from '../engine/backend.ts';
import type { TrainConfig } from './config.ts';
import type { Position } from './events.ts';
import { learningRateAt, type Plan, type ScheduleState } from './schedule.ts';

/** What the step at a position is told. */
export function sgdSettingsAt(
  config: TrainConfig,
  state: ScheduleState,
  position: Pick<Position, 'epoch' | 'iteration'>,
  plan: Pick<Plan, 'iterations'>,
): SgdSettings {
  const { momentum, weightDecay, optimizer, muonRatio, muonWeightDecay } = config;
  const learningRate = learningRateAt(config, state, position, plan);
  const sgd = { learningRate, momentum, weightDecay };
  if (optimizer === 'sgd') return sgd;
  const muon = { learningRate: learningRate * muonRatio, weightDecay: muonWeightDecay };
  return { ...sgd, muon };
}

/** `SGD`, or which parameters Muon updates and with what, for people. */
export function optimizerName({
  optimizer,
  muonRatio,
  muonWeightDecay,
}: Pick<TrainConfig, 'optimizer' | 'muonRatio' | 'muonWeightDecay'>): string {
  switch (optimizer) {
    case 'sgd':
      return 'SGD';
    case 'muon':
      return `Muon for filters (${muonRatio} times the learning rate, weight decay ${muonWeightDecay}), SGD for all else`;
    default:
      throw new Error(`unknown optimizer ${optimizer satisfies never}`);
  }
}
