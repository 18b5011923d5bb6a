// The options of `table6 reproduce`: what the grid is made of, what all its runs have in common, and
// how this machine works on it.

import { DEFAULT_ARCHS, DEFAULT_SEEDS, type PlanRequest } from '../../experiment/plan.ts';
import { createNetwork, TABLE6_DEPTHS } from '../../nn/network.ts';
import {
  MACHINE_SETTING_NAMES,
  PLAN_SETTINGS,
  type RecipeName,
  settingOf,
} from '../../train/config.ts';
import { GROUPS } from '../../train/setting.ts';
import { RECIPE_NAMES, SETTINGS } from '../../train/settings.ts';
import { isWithin } from '../../util/bounds.ts';
import { UserError } from '../../util/errors.ts';
import { pick } from '../../util/objects.ts';
import { didYouMean } from '../../util/suggest.ts';
import type { Option, Values } from '../options.ts';
import { jsonOption, offlineOption } from '../session/common-options.ts';
import { withWholePath } from '../session/dataset.ts';
import { settingOptions } from '../setting-options.ts';
import { flag, integer, text } from '../values.ts';
import { varyOption } from './vary-option.ts';

const GRID = 'Grid';
const MACHINE = GROUPS.machine;

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
      throw new UserError(
        `must be of ${RECIPE_NAMES.join(', ')}, not "${name}".${didYouMean(name, RECIPE_NAMES)}`,
      );
    }),
};

/** A plan may have another default than a single run. */
function planOptions() {
  const options = settingOptions(PLAN_SETTINGS, 'Settings of all runs (frozen with the plan)');
  for (const name of PLAN_SETTINGS) {
    const own = settingOf(name).plan?.default;
    if (own !== undefined)
      Object.assign(options, { [name]: { ...options[name], shownDefault: String(own) } });
  }
  return options;
}

const machine = settingOptions(MACHINE_SETTING_NAMES);

/** What makes a plan, wherever its runs are trained. */
export const planTable = {
  archs,
  seeds,
  recipe,
  vary: varyOption(GRID),
  saveDir: text({
    help: "The table's folder: plan, one folder a run, report",
    placeholder: '<folder>',
    initial: 'runs/table6',
    group: GRID,
  }),
  ...planOptions(),
};

/** The plan that was asked for. */
export function planRequest(values: Values<typeof planTable>): PlanRequest {
  const { archs, seeds, recipe, vary } = values;
  return {
    archs,
    seeds,
    recipes: recipe,
    vary,
    settings: withWholePath(pick(values, PLAN_SETTINGS)),
  };
}

export const reproduceOptions = {
  ...planTable,
  dryRun: flag({ help: 'Show the plan and what it costs, and stop', group: GRID }),
  tensorboard: flag({
    help: 'Write event files for TensorBoard into the run folders',
    group: GRID,
  }),
  jobs: integer({
    help: 'Runs to train at a time, each in a process of its own',
    initial: 1,
    minimum: 1,
    maximum: 256,
    group: MACHINE,
  }),
  ...machine,
  threads: {
    ...machine.threads,
    help: 'CPU threads of each run',
    shownDefault: 'all cores / jobs',
  },
  offline: { ...offlineOption, group: MACHINE },
  json: {
    ...jsonOption,
    help: 'Print the report, or the plan of a dry run, as one line of JSON; progress goes to standard error',
    group: MACHINE,
  },
};

export function parseSeeds(value: string): readonly number[] {
  const range = /^(\d{1,10})-(\d{1,10})$/.exec(value);
  const list = /^\d{1,10}(,\d{1,10})+$/.test(value) ? value.split(',').map(Number) : undefined;
  const count = /^\d{1,4}$/.test(value) ? Number(value) : 0;
  const [from, to] = range ? [Number(range[1]), Number(range[2])] : [1, count];
  const named = list ?? span(from, to);
  const valid = named.length > 0 && named.every((seed) => isWithin(seed, SETTINGS.seed.form));
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
