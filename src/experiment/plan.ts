// The grid of an experiment: every network with every recipe and every seed, one run folder each.
// It is frozen in `plan.json` when the first run begins, because a table whose rows were trained
// under different settings compares nothing; afterwards it can only grow (more seeds, nets, recipes).

import * as z from 'zod/mini';
import { createNetwork } from '../nn/network.ts';
import {
  type AskedValue,
  PLAN_SETTINGS,
  type PlanSetting,
  type RecipeName,
  settingLabel,
  settingOf,
  type TrainConfig,
  VARIED_SETTINGS,
  type VariedSetting,
} from '../train/config.ts';
import { schemaOf } from '../train/setting.ts';
import { SETTINGS } from '../train/settings.ts';
import { check, problemText } from '../util/check.ts';
import { UserError } from '../util/errors.ts';
import { withoutUndefined } from '../util/objects.ts';
import { type ConfigOverrides, resolveConfig } from './recipes.ts';

export const PLAN = 'plan.json';

/**
 * What all runs of a plan have in common beyond their recipe, as it was asked for (`validation` may be a
 * fraction); absent means the recipe's own.
 */
export type PlanSettings = { readonly data: string } & {
  readonly [Name in PlanSetting]?: AskedValue<Name>;
};

const settingsSchema = z.strictObject({
  ...Object.fromEntries(
    PLAN_SETTINGS.map((name) => [name, z.optional(schemaOf(SETTINGS[name].form))]),
  ),
  data: schemaOf(SETTINGS.data.form),
}) as unknown as z.ZodMiniType<PlanSettings>;

/** Settings in which a run differs from others of its plan, as they were asked for. */
export type Variation = { readonly [Name in VariedSetting]?: AskedValue<Name> };

/** The values to try of each setting. */
export type Vary = { readonly [Name in VariedSetting]?: readonly AskedValue<Name>[] };

const variationSchema = z.strictObject(
  Object.fromEntries(VARIED_SETTINGS.map((name) => [name, z.optional(askedSchema(name))])),
) as unknown as z.ZodMiniType<Variation>;

function askedSchema(name: VariedSetting): z.ZodMiniType {
  const { form, schema } = settingOf(name);
  // A text that is read into something else is stored as that.
  return form?.kind === 'text' && schema ? schema : schemaOf(form as NonNullable<typeof form>);
}

const cellSchema = z.strictObject({
  arch: schemaOf(SETTINGS.arch.form),
  recipe: schemaOf(SETTINGS.recipe.form),
  seed: schemaOf(SETTINGS.seed.form),
  vary: z.optional(variationSchema),
});

const planSchema = z.strictObject({
  version: z.literal(1),
  /** When it was frozen. */
  created: z.string(),
  settings: settingsSchema,
  cells: z.array(cellSchema).check(z.minLength(1)),
});

/** One run of the grid. */
export type Cell = z.infer<typeof cellSchema>;
export type Plan = z.infer<typeof planSchema>;

/** What someone asks for; what is undefined is taken from the plan that is there, or the default. */
export interface PlanRequest {
  readonly archs?: readonly string[];
  readonly seeds?: readonly number[];
  readonly recipes?: readonly RecipeName[];
  /** Every combination is a line of the table. */
  readonly vary?: Vary;
  readonly settings: Partial<PlanSettings>;
}

/** The four networks that a desktop trains in days; the deepest two are asked for by name. */
export const DEFAULT_ARCHS = ['resnet20', 'resnet32', 'resnet44', 'resnet56'] as const;
export const DEFAULT_SEEDS = 5;

/** The name of a cell's run folder, below the plan's. */
export function cellFolder({ arch, recipe, seed, vary }: Cell): string {
  const settings = variationTexts(vary).map(([name, value]) => `-${slug(name)}${slug(value)}`);
  return `${arch}-${recipe}${settings.join('')}-seed${seed}`;
}

/** How people call a cell. */
export function cellName({ arch, recipe, seed, vary }: Cell): string {
  const settings = variationTexts(vary).map(([name, value]) => `${name} ${value} `);
  return `${arch} ${recipe} ${settings.join('')}seed ${seed}`;
}

/** `lr` and `0.05`, in the order of the settings' table. */
export function variationTexts(vary: Variation = {}): [label: string, value: string][] {
  return VARIED_SETTINGS.filter((name) => vary[name] !== undefined).map((name) => [
    // `augment on`, not `no augment true`.
    settingLabel(name).replace(/^no /, ''),
    valueText(vary[name]),
  ]);
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join('+');
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .filter(([key]) => key !== 'factor')
    .map(([, part]) => String(part))
    .join(' ');
}

/** As part of a folder's name. */
function slug(text: string): string {
  return text.replace(/[^A-Za-z0-9.+]+/g, '-');
}

/** The settings of a cell as they were asked for. */
export function cellSettings(
  { settings }: Pick<Plan, 'settings'>,
  { vary }: Cell,
): PlanSettings & Variation {
  return { ...settings, ...vary };
}

const PLAN_DEFAULTS: ConfigOverrides = Object.fromEntries(
  PLAN_SETTINGS.map((name) => [name, settingOf(name).plan?.default]),
);

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
  const { validation: _asked, ...rest } = cellSettings({ settings }, cell);
  const plain = createNetwork(cell.arch).shortcut === 'none';
  const overrides: ConfigOverrides = {
    ...PLAN_DEFAULTS,
    ...rest,
    shortcut: plain ? undefined : rest.shortcut,
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
  const variations = request.vary ? combinations(request.vary, settings) : variationsOf(existing);
  const known = new Set(cells.map(cellFolder));
  for (const seed of seeds) {
    for (const recipe of recipes) {
      for (const arch of archs) {
        for (const vary of variations) {
          const cell: Cell = { arch, recipe, seed, ...(vary && { vary }) };
          if (known.has(cellFolder(cell))) continue;
          known.add(cellFolder(cell));
          cells.push(cell);
        }
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
  const { data, problem } = check(planSchema, value);
  if (problem === undefined) return data;
  throw new UserError(`${where} is not a valid plan: ${problemText(problem)}.`);
}

function newSettings({ settings }: PlanRequest): PlanSettings {
  return { data: SETTINGS.data.default, ...withoutUndefined(settings) };
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

/** Of each setting one value, in every way; a setting that is fixed for all runs cannot vary. */
function combinations(vary: Vary, settings: PlanSettings): Variation[] {
  return Object.entries(vary).reduce<Variation[]>(
    (before, [name, values]) => {
      const fixed = settings[name as keyof PlanSettings];
      if (fixed !== undefined) {
        throw new UserError(
          `${name} cannot vary, because the plan has ${JSON.stringify(fixed)} for all its runs: give one of the two, or begin another table in another folder.`,
          { exitCode: 2 },
        );
      }
      return before.flatMap((one) => values.map((value) => ({ ...one, [name]: value })));
    },
    [{}],
  );
}

function variationsOf(plan: Plan | undefined): readonly (Variation | undefined)[] {
  const texts = plan?.cells.map(({ vary }) => JSON.stringify(vary ?? null)) ?? ['null'];
  return unique(texts).map((text) => (JSON.parse(text) as Variation | null) ?? undefined);
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
