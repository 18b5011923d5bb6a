// The grid of an experiment: every network with every recipe and every seed, one run folder each.
// It is frozen in `plan.json` when the first run begins, because a table whose rows were trained
// under different settings compares nothing; afterwards it can only grow (more seeds, nets, recipes).

import { z } from 'zod';
import { createNetwork } from '../nn/network.ts';
import { RECIPE_NAMES, type RecipeName, type TrainConfig } from '../train/config.ts';
import { UserError } from '../util/errors.ts';
import { type ConfigOverrides, resolveConfig } from './recipes.ts';

export const PLAN = 'plan.json';

/** What all runs of a plan have in common beyond their recipe; absent means the recipe's own. */
const settingsSchema = z.strictObject({
  /** What `--data` was. */
  data: z.string().min(1),
  epochs: z.int().min(1).optional(),
  milestones: z.array(z.int().min(0)).optional(),
  batchSize: z.int().min(1).optional(),
  learningRate: z.number().positive().optional(),
  shortcut: z.enum(['A', 'B']).optional(),
  /** Training images held out: a number, or a fraction below 1. */
  validation: z.number().min(0).optional(),
  /** At most so many batches an epoch and an evaluation, for a trial. */
  limitBatches: z.int().min(0).optional(),
  /** Keep a checkpoint every so many epochs beside `last` and `best` (default none: 30 runs add up). */
  saveEvery: z.int().min(0).optional(),
  half: z.boolean().optional(),
});

const cellSchema = z.strictObject({
  arch: z.string().min(1),
  recipe: z.enum(RECIPE_NAMES),
  seed: z.int().min(0).max(4294967295),
});

const planSchema = z.strictObject({
  version: z.literal(1),
  /** When it was frozen. */
  created: z.string(),
  settings: settingsSchema,
  cells: z.array(cellSchema).min(1),
});

export type PlanSettings = z.infer<typeof settingsSchema>;
/** One run of the grid. */
export type Cell = z.infer<typeof cellSchema>;
export type Plan = z.infer<typeof planSchema>;

/** What someone asks for; what is undefined is taken from the plan that is there, or the default. */
export interface PlanRequest {
  readonly archs?: readonly string[];
  readonly seeds?: readonly number[];
  readonly recipes?: readonly RecipeName[];
  readonly settings: Partial<PlanSettings>;
}

/** The four networks that a desktop trains in days; the deepest two are asked for by name. */
export const DEFAULT_ARCHS = ['resnet20', 'resnet32', 'resnet44', 'resnet56'] as const;
export const DEFAULT_SEEDS = 5;

/** The name of a cell's run folder, below the plan's. */
export function cellFolder({ arch, recipe, seed }: Cell): string {
  return `${arch}-${recipe}-seed${seed}`;
}

/** How people call a cell. */
export function cellName({ arch, recipe, seed }: Cell): string {
  return `${arch} ${recipe} seed ${seed}`;
}

/**
 * The configuration that a cell's run must have.
 * @param data counts that only the data set knows; ten classes and the setting's own number else
 * @throws UserError for a network or setting that does not exist
 */
export function cellConfig(
  { settings }: Pick<Plan, 'settings'>,
  cell: Cell,
  data: { readonly classes?: number; readonly validation?: number } = {},
): TrainConfig {
  const { validation: _asked, ...rest } = settings;
  const plain = createNetwork(cell.arch).shortcut === 'none';
  const overrides: ConfigOverrides = {
    ...rest,
    saveEvery: settings.saveEvery ?? 0,
    shortcut: plain ? undefined : settings.shortcut,
    classes: data.classes,
    validation: data.validation,
    seed: cell.seed,
  };
  return resolveConfig({ arch: cell.arch, recipe: cell.recipe, overrides });
}

/**
 * Makes a plan, or extends one: the product of what is asked for is added to the cells there are,
 * and no cell is ever taken away. Seeds come first in the order, so that every network is trained
 * once before any is trained twice.
 * @throws UserError if a setting is asked for that differs from the frozen one
 */
export function makePlan(request: PlanRequest, existing?: Plan, now = Date.now()): Plan {
  const archs = (request.archs ?? archsOf(existing)).map((arch) => createNetwork(arch).arch);
  const seeds = request.seeds ?? seedsOf(existing);
  const recipes = request.recipes ?? recipesOf(existing);
  const settings = existing ? sameSettings(existing, request) : newSettings(request);
  const cells = existing ? [...existing.cells] : [];
  const known = new Set(cells.map(cellFolder));
  for (const seed of seeds) {
    for (const recipe of recipes) {
      for (const arch of archs) {
        const cell: Cell = { arch, recipe, seed };
        if (known.has(cellFolder(cell))) continue;
        known.add(cellFolder(cell));
        cells.push(cell);
      }
    }
  }
  cells.sort((a, b) => a.seed - b.seed);
  const plan: Plan = {
    version: 1,
    created: existing?.created ?? new Date(now).toISOString(),
    settings,
    cells,
  };
  // Refused now rather than by the first process that is to train it.
  for (const cell of cells) cellConfig(plan, cell);
  return parsePlan(plan, 'What was asked for');
}

/** @throws UserError naming what is wrong */
export function parsePlan(value: unknown, where: string): Plan {
  const result = planSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new UserError(
    `${where} is not a valid plan: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}.`,
  );
}

/** What `table6` is called with to begin a cell's run. */
export function trainArguments({ settings }: Plan, cell: Cell, dir: string): string[] {
  const plain = createNetwork(cell.arch).shortcut === 'none';
  const options: Record<string, string | number | undefined> = {
    recipe: cell.recipe,
    seed: cell.seed,
    data: settings.data,
    epochs: settings.epochs,
    milestones: settings.milestones && (settings.milestones.join(',') || 'none'),
    'batch-size': settings.batchSize,
    lr: settings.learningRate,
    shortcut: plain ? undefined : settings.shortcut,
    validation: settings.validation,
    'limit-batches': settings.limitBatches,
    'save-every': settings.saveEvery ?? 0,
    'save-dir': dir,
  };
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}=${value}`],
  );
  return ['train', cell.arch, ...given, ...(settings.half ? ['--half'] : [])];
}

function newSettings({ settings }: PlanRequest): PlanSettings {
  return { data: 'cifar10', ...withoutUndefined(settings) };
}

function sameSettings({ settings }: Plan, request: PlanRequest): PlanSettings {
  for (const [name, asked] of Object.entries(withoutUndefined(request.settings))) {
    const frozen = settings[name as keyof PlanSettings];
    if (JSON.stringify(asked) === JSON.stringify(frozen)) continue;
    const was = frozen === undefined ? "the recipe's own" : JSON.stringify(frozen);
    throw new UserError(
      `This folder's plan was made with ${name} ${was}, not ${JSON.stringify(asked)}: leave that setting away, or begin another table in another folder.`,
      {
        exitCode: 2,
        code: 'plan-differs',
        facts: { setting: name, was, asked: JSON.stringify(asked) },
      },
    );
  }
  return settings;
}

function archsOf(plan: Plan | undefined): readonly string[] {
  return plan ? unique(plan.cells.map(({ arch }) => arch)) : DEFAULT_ARCHS;
}

function recipesOf(plan: Plan | undefined): readonly RecipeName[] {
  return plan ? unique(plan.cells.map(({ recipe }) => recipe)) : ['notebook'];
}

function seedsOf(plan: Plan | undefined): readonly number[] {
  return plan
    ? unique(plan.cells.map(({ seed }) => seed))
    : Array.from({ length: DEFAULT_SEEDS }, (_, index) => index + 1);
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

function withoutUndefined<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}
