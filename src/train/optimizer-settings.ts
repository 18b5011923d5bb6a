// The settings of the optimizers, a part of the table in `settings.ts`: which one updates the filters of
// convolutions, and the numbers of both.

import { OPTIMIZERS } from '../engine/optimizers.ts';
import { RATE } from './schedule-schema.ts';
import type { Setting } from './setting.ts';

export const OPTIMIZER_SETTINGS = {
  /** What updates the filters of convolutions. */
  optimizer: {
    form: { kind: 'choice', words: OPTIMIZERS },
    default: 'sgd',
    older: 'sgd',
    changes: 'training',
    option: {
      group: 'schedule',
      help: 'SGD for every parameter; or Muon for the filters of convolutions, which makes their momentum orthogonal, and SGD for all else',
      shownDefault: 'sgd; muon with the recipe fast',
    },
  },
  /** A ratio, so that whoever changes the learning rate changes both. */
  muonRatio: {
    form: RATE,
    default: 0.25,
    older: 0.25,
    changes: 'training',
    option: {
      group: 'schedule',
      help: "Muon's learning rate divided by SGD's, with which it rises and falls",
    },
  },
  muonWeightDecay: {
    form: { kind: 'number', minimum: 0 },
    default: 0.03,
    older: 0.03,
    changes: 'training',
    option: {
      group: 'schedule',
      help: "Weight decay of the filters that Muon updates, decoupled as PyTorch's: they shrink by this times their rate",
      aliases: ['muon-wd'],
    },
  },
  momentum: {
    form: { kind: 'number', minimum: 0, maximum: 1 },
    default: 0.9,
    changes: 'training',
    option: { group: 'schedule', help: 'Of SGD and of Muon' },
  },
  nesterov: {
    form: { kind: 'flag' },
    default: false,
    older: false,
    changes: 'training',
    option: { group: 'schedule', help: "Nesterov's momentum, as PyTorch computes it" },
  },
  weightDecay: {
    form: { kind: 'number', minimum: 0 },
    default: 1e-4,
    changes: 'training',
    option: {
      group: 'schedule',
      help: 'Of SGD, on every parameter that it updates',
      aliases: ['wd'],
      shownDefault: '0.0001; 0.0005 with the recipe fast',
    },
  },
} as const satisfies Readonly<Record<string, Setting>>;
