// The options of `table6 reproduce`: what the grid is made of, what all its runs have in common, and
// how this machine works on it.

import { DEFAULT_ARCHS, DEFAULT_SEEDS } from '../../experiment/plan.ts';
import { createNetwork, TABLE6_DEPTHS } from '../../nn/network.ts';
import { RECIPE_NAMES, type RecipeName } from '../../train/config.ts';
import { UserError } from '../../util/errors.ts';
import type { Option } from '../options.ts';
import {
  convOption,
  dataOption,
  deviceOption,
  halfOption,
  jsonOption,
  memoryOption,
  offlineOption,
  tensorCoresOption,
  threadsOption,
  tuneOption,
} from '../session/common-options.ts';
import { amount, choice, flag, integer, integerList, number, text } from '../values.ts';

const GRID = 'Grid';
const SETTINGS = 'Settings of all runs (frozen with the plan)';
const MACHINE = 'Machine';

const MOST_SEEDS = 1000;

/** `resnet20,plain20`, or `all` for the six of Table 6. */
const archs: Option<readonly string[] | undefined> = {
  help: 'Networks, separated by commas; all for the six of Table 6',
  placeholder: '<arch,...>',
  shownDefault: `the plan's, else ${DEFAULT_ARCHS.join(',')}`,
  group: GRID,
  initial: undefined,
  parse: (value) =>
    value === 'all'
      ? TABLE6_DEPTHS.map((depth) => `resnet${depth}`)
      : value.split(',').map((arch) => createNetwork(arch).arch),
};

/** `5` is a count; `3,4` and `6-10` name seeds. */
const seeds: Option<readonly number[] | undefined> = {
  help: 'How many seeds (5 means 1 to 5), or which: 1,3,9 or 6-10',
  placeholder: '<n|list>',
  shownDefault: `the plan's, else ${DEFAULT_SEEDS}`,
  group: GRID,
  initial: undefined,
  parse: parseSeeds,
};

const recipe: Option<readonly RecipeName[] | undefined> = {
  help: `Recipes, separated by commas: ${RECIPE_NAMES.join(', ')}`,
  placeholder: '<recipe,...>',
  shownDefault: "the plan's, else notebook",
  group: GRID,
  initial: undefined,
  parse: (value) =>
    value.split(',').map((name) => {
      const known = RECIPE_NAMES.find((candidate) => candidate === name.trim());
      if (known) return known;
      throw new UserError(`must be of ${RECIPE_NAMES.join(', ')}, not "${name}"`);
    }),
};

export const reproduceOptions = {
  archs,
  seeds,
  recipe,
  saveDir: text({
    help: "The table's folder: plan, one folder a run, report",
    placeholder: '<folder>',
    initial: 'runs/table6',
    group: GRID,
  }),
  dryRun: flag({ help: 'Show the plan and what it costs, and stop', group: GRID }),
  data: { ...dataOption, short: 'd', group: SETTINGS },
  epochs: integer({
    help: 'Epochs of every run',
    shownDefault: "the recipe's",
    minimum: 1,
    group: SETTINGS,
  }),
  milestones: integerList({
    help: 'The rate drops after these epochs; none for never; not with the recipe fast',
    shownDefault: "the recipe's",
    group: SETTINGS,
  }),
  batchSize: integer({
    help: 'Images a step',
    short: 'b',
    shownDefault: '128',
    minimum: 1,
    maximum: 65536,
    group: SETTINGS,
  }),
  lr: number({
    help: 'Learning rate before any drop; with the recipe fast the peak',
    shownDefault: "the recipe's",
    minimum: 0,
    group: SETTINGS,
  }),
  shortcut: choice(['A', 'B'], {
    help: 'Shortcut of the residual networks where the shape changes',
    shownDefault: 'A',
    group: SETTINGS,
  }),
  validation: amount({
    help: 'Training images to hold out; they choose the best epoch (the paper held out 5000)',
    shownDefault: 'none',
    group: SETTINGS,
  }),
  limitBatches: integer({
    help: 'At most so many batches an epoch and an evaluation, for a trial',
    shownDefault: 'all',
    minimum: 1,
    group: SETTINGS,
  }),
  saveEvery: integer({
    help: 'Keep a checkpoint every so many epochs, beside last and best',
    shownDefault: '0, none',
    minimum: 0,
    group: SETTINGS,
  }),
  half: { ...halfOption, group: SETTINGS },
  jobs: integer({
    help: 'Runs to train at a time, each in a process of its own',
    initial: 1,
    minimum: 1,
    maximum: 256,
    group: MACHINE,
  }),
  device: { ...deviceOption, group: MACHINE },
  threads: {
    ...threadsOption,
    help: 'CPU threads of each run',
    shownDefault: 'all cores / jobs',
    group: MACHINE,
  },
  conv: { ...convOption, group: MACHINE },
  memory: { ...memoryOption, group: MACHINE },
  tensorCores: { ...tensorCoresOption, group: MACHINE },
  tune: { ...tuneOption, group: MACHINE },
  offline: { ...offlineOption, group: MACHINE },
  json: {
    ...jsonOption,
    help: 'Print the report as one line of JSON; progress goes to standard error',
    group: MACHINE,
  },
};

export function parseSeeds(value: string): readonly number[] {
  const range = /^(\d{1,10})-(\d{1,10})$/.exec(value);
  const list = /^\d{1,10}(,\d{1,10})+$/.test(value) ? value.split(',').map(Number) : undefined;
  const count = /^\d{1,4}$/.test(value) ? Number(value) : 0;
  const [from, to] = range ? [Number(range[1]), Number(range[2])] : [1, count];
  const named = list ?? span(from, to);
  const valid = named.length > 0 && named.every((seed) => seed <= 4294967295);
  if (!valid || new Set(named).size !== named.length) {
    throw new UserError(
      `must be a number of seeds (5), some seeds (1,3,9) or a range (6-10) of at most ${MOST_SEEDS}, not "${value}"`,
    );
  }
  return named;
}

function span(from: number, to: number): number[] {
  if (to < from || to - from >= MOST_SEEDS) return [];
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
