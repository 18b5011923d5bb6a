// Named recipes: what "the notebook", "the paper", a quick try and a fast training mean in numbers. A
// recipe and what the user typed become one fully resolved configuration; the recipe's name stays in
// it, so a result can say how it was made. Sources: the notebook's cells, and section 4.2 of He et
// al. (2015); `fast` is our own.

import { createNetwork } from '../nn/network.ts';
import {
  type ConfigOverrides,
  DEFAULTS,
  PART_SETTINGS,
  type PartSetting,
  parseTrainConfig,
  RECIPE_NAMES,
  type RecipeName,
  type ScheduleConfig,
  type TrainConfig,
  type WarmupConfig,
} from '../train/config.ts';
import { WARM_UP_FACTOR } from '../train/schedule-schema.ts';
import { SETTINGS } from '../train/settings.ts';
import { UserError } from '../util/errors.ts';
import { withoutUndefined } from '../util/objects.ts';
import { didYouMean } from '../util/suggest.ts';

export type { ConfigOverrides } from '../train/config.ts';
export { parseWarmup } from '../train/schedule-schema.ts';

export interface Recipe {
  readonly name: RecipeName;
  /** One line for `--help`. */
  readonly description: string;
  readonly schedule: (depth: number) => ScheduleConfig;
  readonly normalization: TrainConfig['normalization'];
  /** What else differs from the notebook's. */
  readonly others?: Partial<
    Pick<TrainConfig, 'learningRate' | 'weightDecay' | 'optimizer' | 'nesterov'>
  >;
}

/** Networks this deep do not start to learn at a rate of 0.1 (section 4.2); both sources agree. */
const WARM_UP_DEPTH = 110;

/** Share of the steps until the peak of a cycle. */
const RISE = 0.2;

const NO_WARM_UP: WarmupConfig = { kind: 'none' };

function warmupOf(depth: number, warmup: WarmupConfig): WarmupConfig {
  return depth >= WARM_UP_DEPTH ? warmup : NO_WARM_UP;
}

/** Drops at half and three quarters of the run, which all recipes with drops have in common. */
function relativeMilestones(length: number): number[] {
  return [Math.round(length / 2), Math.round((length * 3) / 4)];
}

function steps(
  length: number,
  warmup: WarmupConfig,
  unit: ScheduleConfig['unit'] = 'epochs',
): ScheduleConfig {
  const milestones = relativeMilestones(length);
  return { kind: 'steps', unit, length, milestones, gamma: 0.1, warmup };
}

const FIRST_EPOCH: WarmupConfig = { kind: 'epochs', epochs: 1, factor: WARM_UP_FACTOR };

export const RECIPES: Readonly<Record<RecipeName, Recipe>> = {
  notebook: {
    name: 'notebook',
    description:
      'the notebook as it was meant: 200 epochs, drops at 100 and 150; depth 110 and more: a tenth of the rate in the first epoch',
    schedule: (depth) => steps(200, warmupOf(depth, FIRST_EPOCH)),
    normalization: 'imagenet',
  },
  'notebook-as-run': {
    name: 'notebook-as-run',
    description:
      'the notebook as its code runs since PyTorch 1.4: depth 110 and more: a tenth of the rate in all epochs, because the scheduler multiplies the rate it finds',
    schedule: (depth) => steps(200, warmupOf(depth, { kind: 'whole-run', factor: WARM_UP_FACTOR })),
    normalization: 'imagenet',
  },
  paper: {
    name: 'paper',
    description:
      'section 4.2 of the paper: 64,000 iterations, drops at 32,000 and 48,000, per-pixel mean; depth 110 and more: a tenth of the rate until the training error is below 80 %',
    schedule(depth) {
      const warmup = { kind: 'until-error', trainError: 0.8, factor: WARM_UP_FACTOR } as const;
      return steps(64_000, warmupOf(depth, warmup), 'iterations');
    },
    normalization: 'per-pixel-mean',
  },
  quick: {
    name: 'quick',
    description: 'for trying things out: 20 epochs (or --epochs), drops at 50 % and 75 % of them',
    schedule: (depth) => steps(20, warmupOf(depth, FIRST_EPOCH)),
    normalization: 'imagenet',
  },
  fast: {
    name: 'fast',
    description:
      "our own, made for a low error in a tenth of the notebook's epochs: 20 (or --epochs), Muon for filters, one-cycle: the rate rises to 0.2 in the first fifth of the steps and falls to 0 in the rest, all in straight lines; Nesterov's momentum, weight decay 5e-4",
    schedule: () => ({ kind: 'one-cycle', unit: 'epochs', length: 20, rise: RISE }),
    normalization: 'imagenet',
    others: {
      learningRate: 0.2,
      weightDecay: 5e-4,
      optimizer: 'muon',
      nesterov: true,
    },
  },
};

/** @throws UserError naming the recipes that exist */
export function parseRecipeName(name: string): RecipeName {
  const found = RECIPE_NAMES.find((known) => known === name);
  if (!found) {
    throw new UserError(
      `There is no recipe called "${name}": use one of ${RECIPE_NAMES.join(', ')}.${didYouMean(name, RECIPE_NAMES)}`,
      { exitCode: 2 },
    );
  }
  return found;
}

/**
 * The configuration of a run.
 * @param options arch, recipe (default `notebook`) and what replaces the recipe's settings; what is
 *   undefined does not. With `epochs`, recipes that drop at relative places (`quick`, `paper`) move
 *   their drops along and count in epochs, and the cycle of `fast` is stretched; the notebook's drops
 *   stay at epochs 100 and 150 unless `milestones` is given.
 * @throws UserError for an unknown network, recipe or setting, one out of range, or one without a
 *   meaning in the recipe
 */
export function resolveConfig(options: {
  readonly arch: string;
  readonly recipe?: RecipeName;
  readonly overrides?: ConfigOverrides;
}): TrainConfig {
  // From JavaScript anything may come.
  const {
    arch,
    recipe: name = SETTINGS.recipe.default,
    overrides = {},
  } = options ?? ({} as typeof options);
  const recipe = RECIPES[parseRecipeName(name)];
  const network = createNetwork(arch, { shortcut: overrides.shortcut });
  const base = {
    ...DEFAULTS,
    normalization: recipe.normalization,
    ...recipe.others,
    arch: network.arch,
    shortcut: network.shortcut,
    recipe: recipe.name,
    schedule: recipe.schedule(network.depth),
  };
  return withOverrides(base, overrides, 'What was asked for');
}

/**
 * A configuration with some settings replaced, as `resolveConfig` replaces those of a recipe.
 * @throws UserError as `resolveConfig`
 */
export function changeConfig(config: TrainConfig, overrides: ConfigOverrides): TrainConfig {
  createNetwork(config.arch, { ...config, ...withoutUndefined(overrides) });
  return withOverrides(config, overrides, 'The changed configuration');
}

function withOverrides(
  base: Pick<TrainConfig, 'recipe' | 'schedule'> & Partial<TrainConfig>,
  overrides: ConfigOverrides,
  where: string,
): TrainConfig {
  const given = withoutUndefined(overrides);
  const kind = given.scheduleKind ?? base.schedule.kind;
  const chosen = withKind(withLength(base.recipe, base.schedule, given.epochs), kind);
  const schedule: Record<string, unknown> = { ...chosen };
  const parts = PART_SETTINGS.filter((name) => name in given && name !== 'epochs');
  refuseMeaningless({ recipe: base.recipe, schedule: chosen }, parts);
  for (const name of parts) schedule[partOf(name)] = given[name];
  const settings = Object.entries(given).filter(([name]) => !isPart(name));
  const config = parseTrainConfig({ ...base, ...Object.fromEntries(settings), schedule }, where);
  if (!config.augment && given.cropPadding !== undefined) {
    throw new UserError(
      'Without augmentation there is no random crop, so its padding has no meaning: leave one of the two away.',
      { exitCode: 2 },
    );
  }
  const ofMuon = (['muonRatio', 'muonWeightDecay'] as const).filter((name) => name in given);
  if (config.optimizer !== 'muon' && ofMuon.length > 0) {
    throw new UserError(
      `${ofMuon.join(', ')} cannot be given with the optimizer ${config.optimizer}: nothing is updated by Muon; choose the optimizer muon as well, or leave it away.`,
      { exitCode: 2, code: 'nothing-for-muon', facts: { settings: ofMuon } },
    );
  }
  if (config.schedule.unit === 'epochs' && config.startEpoch >= config.schedule.length) {
    throw new UserError(
      `There is nothing to train: the run begins at epoch ${config.startEpoch} and has ${config.schedule.length}; train for more epochs, or begin at an earlier one.`,
      {
        exitCode: 2,
        code: 'nothing-to-train',
        facts: { startEpoch: config.startEpoch, length: config.schedule.length },
      },
    );
  }
  return config;
}

function isPart(name: string): boolean {
  return PART_SETTINGS.some((part) => part === name);
}

/** `gamma` of `schedule.gamma`. */
function partOf(name: PartSetting): string {
  return SETTINGS[name].path.slice('schedule.'.length);
}

/** A setting without a meaning must not be taken for one that was followed. */
function refuseMeaningless(
  { recipe, schedule }: Pick<TrainConfig, 'recipe' | 'schedule'>,
  parts: readonly PartSetting[],
): void {
  const settings = parts.filter((name) => !(partOf(name) in schedule));
  if (settings.length === 0) return;
  const { kind } = schedule;
  const { what, why } = fixedSchedule(recipe, kind);
  throw new UserError(
    `${settings.join(', ')} cannot be given with ${what}: ${why}; change the learning rate, which is its peak, and the number of epochs, or use another ${what.includes('recipe') ? 'recipe' : 'schedule'}.`,
    { exitCode: 2, code: 'schedule-is-fixed', facts: { recipe, kind, settings } },
  );
}

/** What a schedule without a place for some settings is called, and why it has none. */
export function fixedSchedule(
  recipe: string,
  kind: ScheduleConfig['kind'],
): { readonly what: string; readonly why: string } {
  if (kind === 'cosine') {
    return { what: 'a cosine schedule', why: 'its rate falls to zero step by step, without drops' };
  }
  return {
    what: recipe === 'fast' ? 'the recipe fast' : 'a one-cycle schedule',
    why: 'its rate rises to its peak and falls to zero in straight lines, without drops or another warm-up',
  };
}

/** A schedule of another kind keeps its length, and its warm-up where it may have one. */
function withKind(schedule: ScheduleConfig, kind: ScheduleConfig['kind']): ScheduleConfig {
  if (schedule.kind === kind) return schedule;
  const { unit, length } = schedule;
  const warmup = 'warmup' in schedule ? schedule.warmup : NO_WARM_UP;
  switch (kind) {
    case 'steps':
      return steps(length, warmup, unit);
    case 'cosine':
      return { kind, unit, length, warmup };
    case 'one-cycle':
      return { kind, unit, length, rise: RISE };
    default:
      throw new Error(`unknown schedule ${kind satisfies never}`);
  }
}

function withLength(recipe: RecipeName, schedule: ScheduleConfig, epochs?: number): ScheduleConfig {
  if (epochs === undefined) return { ...schedule };
  const length = { unit: 'epochs', length: epochs } as const;
  const moves = schedule.kind === 'steps' && (recipe === 'quick' || recipe === 'paper');
  return { ...schedule, ...length, ...(moves && { milestones: relativeMilestones(epochs) }) };
}
