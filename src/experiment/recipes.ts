// Named recipes: what "the notebook", "the paper", a quick try and a fast training mean in numbers. A
// recipe and what the user typed become one fully resolved configuration; the recipe's name stays in
// it, so a result can say how it was made. Sources: the notebook's cells, and section 4.2 of He et
// al. (2015); `fast` is our own.

import { createNetwork, type ShortcutOption } from '../nn/network.ts';
import {
  parseTrainConfig,
  RECIPE_NAMES,
  type RecipeName,
  type ScheduleConfig,
  type TrainConfig,
  type WarmupConfig,
} from '../train/config.ts';
import { UserError } from '../util/errors.ts';

export interface Recipe {
  readonly name: RecipeName;
  /** One line for `--help`. */
  readonly description: string;
  readonly schedule: (depth: number) => ScheduleConfig;
  readonly normalization: TrainConfig['normalization'];
  /** Where its optimizer differs from the notebook's. */
  readonly optimizer?: Partial<Pick<TrainConfig, 'learningRate' | 'weightDecay'>>;
}

/** Networks this deep do not start to learn at a rate of 0.1 (section 4.2); both sources agree. */
const WARM_UP_DEPTH = 110;
const WARM_UP_FACTOR = 0.1;

const NO_WARM_UP: WarmupConfig = { kind: 'none' };

function warmupOf(depth: number, warmup: WarmupConfig): WarmupConfig {
  return depth >= WARM_UP_DEPTH ? warmup : NO_WARM_UP;
}

function notebookSchedule(warmup: WarmupConfig): ScheduleConfig {
  return { kind: 'steps', unit: 'epochs', length: 200, milestones: [100, 150], gamma: 0.1, warmup };
}

/** Drops at half and three quarters of the run, which all recipes with drops have in common. */
function relativeMilestones(length: number): number[] {
  return [Math.round(length / 2), Math.round((length * 3) / 4)];
}

export const RECIPES: Readonly<Record<RecipeName, Recipe>> = {
  notebook: {
    name: 'notebook',
    description:
      'the notebook as it was meant: 200 epochs, drops at 100 and 150; depth 110 and more: a tenth of the rate in the first epoch',
    schedule: (depth) =>
      notebookSchedule(warmupOf(depth, { kind: 'epochs', epochs: 1, factor: WARM_UP_FACTOR })),
    normalization: 'imagenet',
  },
  'notebook-as-run': {
    name: 'notebook-as-run',
    description:
      'the notebook as its code runs since PyTorch 1.4: depth 110 and more: a tenth of the rate in all epochs, because the scheduler multiplies the rate it finds',
    schedule: (depth) =>
      notebookSchedule(warmupOf(depth, { kind: 'whole-run', factor: WARM_UP_FACTOR })),
    normalization: 'imagenet',
  },
  paper: {
    name: 'paper',
    description:
      'section 4.2 of the paper: 64,000 iterations, drops at 32,000 and 48,000, per-pixel mean; depth 110 and more: a tenth of the rate until the training error is below 80 %',
    schedule: (depth) => ({
      kind: 'steps',
      unit: 'iterations',
      length: 64_000,
      milestones: [32_000, 48_000],
      gamma: 0.1,
      warmup: warmupOf(depth, { kind: 'until-error', trainError: 0.8, factor: WARM_UP_FACTOR }),
    }),
    normalization: 'per-pixel-mean',
  },
  quick: {
    name: 'quick',
    description: 'for trying things out: 20 epochs (or --epochs), drops at 50 % and 75 % of them',
    schedule: (depth) => ({
      kind: 'steps',
      unit: 'epochs',
      length: 20,
      milestones: relativeMilestones(20),
      gamma: 0.1,
      warmup: warmupOf(depth, { kind: 'epochs', epochs: 1, factor: WARM_UP_FACTOR }),
    }),
    normalization: 'imagenet',
  },
  fast: {
    name: 'fast',
    description:
      "our own, made for a low error in a tenth of the notebook's epochs: 20 (or --epochs), one-cycle: the rate rises to 0.2 in the first fifth of the steps and falls to 0 in the rest, all in straight lines; weight decay 5e-4",
    schedule: () => ({ kind: 'one-cycle', unit: 'epochs', length: 20, rise: 0.2 }),
    normalization: 'imagenet',
    optimizer: { learningRate: 0.2, weightDecay: 5e-4 },
  },
};

/** What a user may set beside a recipe; whatever is undefined comes from the recipe. */
export interface ConfigOverrides
  extends Partial<Omit<TrainConfig, 'arch' | 'recipe' | 'schedule' | 'shortcut'>> {
  readonly shortcut?: ShortcutOption;
  /** Length of the run in epochs. */
  readonly epochs?: number;
  /**
   * Epochs after which the rate drops (iterations in the paper's recipe without `epochs`). Like
   * `gamma` and `warmup` an error with a one-cycle recipe, which has nothing of the kind.
   */
  readonly milestones?: readonly number[];
  readonly gamma?: number;
  readonly warmup?: WarmupConfig;
}

/** Settings that no recipe changes: the notebook's arguments and their defaults. */
const DEFAULTS = {
  classes: 10,
  data: 'cifar10',
  startEpoch: 0,
  batchSize: 128,
  learningRate: 0.1,
  momentum: 0.9,
  weightDecay: 1e-4,
  labelSmoothing: 0,
  seed: 1,
  validation: 0,
  initial: null,
  freeze: 'none',
  augment: true,
  device: 'auto',
  threads: 1,
  convolution: 'auto',
  memory: 'auto',
  half: false,
  tune: 'auto',
  tensorCores: 'auto',
  printFreq: 55,
  metricsEvery: 10,
  saveEvery: 10,
  checkpointSeconds: 60,
  checkpointSteps: 0,
  limitBatches: 0,
} as const satisfies Partial<TrainConfig>;

/** @throws UserError naming the recipes that exist */
export function parseRecipeName(name: string): RecipeName {
  const found = RECIPE_NAMES.find((known) => known === name);
  if (!found) {
    throw new UserError(
      `There is no recipe called "${name}": use one of ${RECIPE_NAMES.join(', ')}.`,
      { exitCode: 2 },
    );
  }
  return found;
}

/**
 * Reads `--warm-up`: `none`, a number of epochs (`1`), a training error to reach (`80%`), or
 * `whole-run`.
 * @throws UserError naming the forms that exist
 */
export function parseWarmup(text: string): WarmupConfig {
  const factor = WARM_UP_FACTOR;
  if (text === 'none' || text === '0') return NO_WARM_UP;
  if (text === 'whole-run') return { kind: 'whole-run', factor };
  if (/^\d{1,6}$/.test(text)) return { kind: 'epochs', epochs: Number(text), factor };
  const percent = /^(\d{1,2}(?:\.\d+)?)\s*%$/.exec(text);
  if (percent) return { kind: 'until-error', trainError: Number(percent[1]) / 100, factor };
  throw new UserError(
    `"${text}" is no warm-up: use none, a number of epochs (1), a training error to reach (80%) or whole-run.`,
    { exitCode: 2 },
  );
}

/**
 * The configuration of a run.
 * @param options arch, recipe (default `notebook`) and what replaces the recipe's settings. With
 *   `epochs`, recipes that drop at relative places (`quick`, `paper`) move their drops along and
 *   count in epochs, and the cycle of `fast` is stretched; the notebook's drops stay at epochs 100
 *   and 150 unless `milestones` is given.
 * @throws UserError for an unknown network, a setting out of range, or one without a meaning in the
 *   recipe
 */
export function resolveConfig(options: {
  readonly arch: string;
  readonly recipe?: RecipeName;
  readonly overrides?: ConfigOverrides;
}): TrainConfig {
  const recipe = RECIPES[options.recipe ?? 'notebook'];
  const { epochs, milestones, gamma, warmup, shortcut, ...rest } = options.overrides ?? {};
  const settings = { ...DEFAULTS, ...recipe.optimizer, ...withoutUndefined(rest) };
  const network = createNetwork(options.arch, { shortcut, classes: settings.classes });
  const schedule = withLength(recipe, recipe.schedule(network.depth), epochs);
  const steps = withoutUndefined({ milestones: milestones && [...milestones], gamma, warmup });
  if (schedule.kind === 'one-cycle') refuseSteps(recipe, steps);
  const config = parseTrainConfig(
    {
      normalization: recipe.normalization,
      ...settings,
      arch: network.arch,
      shortcut: network.shortcut,
      recipe: recipe.name,
      schedule: { ...schedule, ...steps },
    },
    'What was asked for',
  );
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

/** A setting without a meaning must not be taken for one that was followed. */
function refuseSteps(recipe: Recipe, steps: object) {
  const settings = (['milestones', 'gamma', 'warmup'] as const).filter((name) => name in steps);
  if (settings.length === 0) return;
  throw new UserError(
    `${settings.join(', ')} cannot be given with the recipe ${recipe.name}: its rate rises to its peak and falls to zero in straight lines, without drops or another warm-up; change the learning rate, which is its peak, and the number of epochs, or use another recipe.`,
    { exitCode: 2, code: 'schedule-is-fixed', facts: { recipe: recipe.name, settings } },
  );
}

function withLength(recipe: Recipe, schedule: ScheduleConfig, epochs?: number): ScheduleConfig {
  if (epochs === undefined) return schedule;
  if (schedule.kind === 'one-cycle') return { ...schedule, unit: 'epochs', length: epochs };
  const relative = recipe.name === 'quick' || recipe.name === 'paper';
  const milestones = relative ? relativeMilestones(epochs) : schedule.milestones;
  return { ...schedule, unit: 'epochs', length: epochs, milestones };
}

function withoutUndefined<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}
