// A run's configuration, fully resolved: every number that decides what is trained is in it, none
// is left to a default elsewhere. It is written to the run folder's `config.json` and into every
// checkpoint, so that a run can be resumed, repeated and reported from it alone. Everything here is
// made from the table in `settings.ts`; `experiment/recipes.ts` makes a configuration from a recipe's
// name and what the user typed.

import * as z from 'zod/mini';
import { check, type Problem, problemText } from '../util/check.ts';
import { UserError } from '../util/errors.ts';
import { nearest } from '../util/suggest.ts';
import type { MACHINE_SETTINGS } from './machine-settings.ts';
import { type FormValue, formText, type Setting, schemaOf } from './setting.ts';
import { SETTINGS, type SettingName } from './settings.ts';

export type { RateChange, ScheduleConfig, WarmupConfig } from './schedule-schema.ts';
export { RECIPE_NAMES, type RecipeName } from './settings.ts';

type Settings = typeof SETTINGS;

/** The names of settings whose entry has a property. */
type NamesWith<Property extends keyof Setting> = {
  [Name in SettingName]: Settings[Name] extends { readonly [key in Property]: unknown }
    ? Name
    : never;
}[SettingName];

/** The type of a setting's value, as a configuration has it. */
export type SettingValue<Name extends SettingName> = Settings[Name] extends {
  readonly schema: z.ZodMiniType<infer Value>;
}
  ? Value
  : Settings[Name] extends { readonly form: infer F }
    ? FormValue<F>
    : never;

/** The type of a setting's value as users give it: a share of images may be a fraction. */
export type AskedValue<Name extends GivenSetting> = FormValue<Settings[Name]['form']>;

export type TrainConfig = {
  [Name in Exclude<SettingName, PartSetting>]: SettingValue<Name>;
};

/** What a user may ask for beside a network and a recipe. */
export type ConfigOverrides = {
  readonly [Name in Exclude<SettingName, 'arch' | 'recipe' | 'schedule'>]?: SettingValue<Name>;
};

/** Settings that users give, that a plan may fix, that may change when a run is resumed, and parts. */
export type GivenSetting = NamesWith<'option'>;
export type PlanSetting = NamesWith<'plan'>;
export type ResumableSetting = NamesWith<'resumable'>;

export type VariedSetting = Exclude<GivenSetting, 'arch' | 'recipe' | 'freeze' | 'seed' | 'data'>;

export type PartSetting = NamesWith<'path'>;
/** Settings of the machine that a plan leaves open. */
export type MachineSetting = Exclude<keyof typeof MACHINE_SETTINGS & GivenSetting, PlanSetting>;

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];
export const GIVEN_SETTINGS = namesWith('option') as readonly GivenSetting[];
export const PLAN_SETTINGS = namesWith('plan') as readonly PlanSetting[];
export const RESUMABLE_SETTINGS = namesWith('resumable') as readonly ResumableSetting[];
export const PART_SETTINGS = namesWith('path') as readonly PartSetting[];
export const MACHINE_SETTING_NAMES = GIVEN_SETTINGS.filter(
  (name) => settingOf(name).option?.group === 'machine' && !settingOf(name).plan,
) as readonly MachineSetting[];

function namesWith(property: keyof Setting): SettingName[] {
  return SETTING_NAMES.filter((name) => property in SETTINGS[name]);
}

/** What decides the training itself: runs that agree in these repeat one another. */
export const TRAINING_SETTINGS = SETTING_NAMES.filter(
  (name) => settingOf(name).changes === 'training' && settingOf(name).path === undefined,
) as readonly (keyof TrainConfig)[];

/** What a table may try several values of: what makes another training, but for what has words of its own. */
export const VARIED_SETTINGS = GIVEN_SETTINGS.filter(
  (name) => settingOf(name).changes === 'training' && !['arch', 'recipe', 'freeze'].includes(name),
) as readonly VariedSetting[];

/** A setting's entry, for code that treats all of them alike. */
export function settingOf(name: SettingName): Setting {
  return SETTINGS[name];
}

/** How the command line calls a setting: `--lr`. */
export function optionName(name: SettingName): string {
  const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `--${settingOf(name).option?.name ?? kebab}`;
}

/** A setting's value in a configuration, wherever it is kept there. */
export function settingValue(config: Partial<TrainConfig>, name: SettingName): unknown {
  const [first = '', part] = (settingOf(name).path ?? name).split('.');
  const value = (config as Readonly<Record<string, unknown>>)[first];
  if (part === undefined) return value;
  return (value as Readonly<Record<string, unknown>> | undefined)?.[part];
}

/** How a report calls a setting, by the name that it is given under: `lr`, `weight decay`. */
export function settingLabel(name: SettingName): string {
  return optionName(name).slice(2).replaceAll('-', ' ');
}

const configSettings = SETTING_NAMES.filter((name) => settingOf(name).path === undefined);

export const trainConfigSchema = z.strictObject(
  Object.fromEntries(configSettings.map((name) => [name, configSchema(settingOf(name))])),
) as unknown as z.ZodMiniType<TrainConfig>;

function configSchema({ form, schema, older }: Setting): z.ZodMiniType {
  const own = schema ?? schemaOf(form as NonNullable<typeof form>);
  return older === undefined ? own : z._default(own, older);
}

/** What a new run has where nobody says otherwise. */
export const DEFAULTS = Object.fromEntries(
  configSettings.flatMap((name) => {
    const { default: value } = settingOf(name);
    return value === undefined ? [] : [[name, value]];
  }),
) as { readonly [Name in NamesWith<'default'>]: SettingValue<Name> };

/**
 * Checks what claims to be a configuration.
 * @param where how an error calls it, such as a file's path
 * @throws UserError naming the first setting that is wrong
 */
export function parseTrainConfig(value: unknown, where = 'The configuration'): TrainConfig {
  const { data, problem } = check(trainConfigSchema, value);
  if (problem === undefined) return data;
  throw new UserError(`${where} is not a valid configuration: ${settingProblem(problem, value)}`, {
    exitCode: 2,
  });
}

/** `learningRate: must be a number, above 0 and at most 1000, not -1.` */
function settingProblem(problem: Problem, value: unknown): string {
  const path = problem.path.join('.');
  const unknownKey = problem.unknownKeys?.[0];
  if (path === '' && unknownKey !== undefined) {
    const suggestion = nearest(unknownKey, SETTING_NAMES) ?? namedByOption(unknownKey);
    const hint = suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
    return `there is no setting "${unknownKey}".${hint}`;
  }
  const name = SETTING_NAMES.find((known) => (settingOf(known).path ?? known) === path);
  const { form } = name === undefined ? {} : settingOf(name);
  if (form === undefined || form.kind === 'text') return `${problemText(problem)}.`;
  const found = problem.path.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
  const not = found === undefined ? 'and it is missing' : `not ${JSON.stringify(found)}`;
  return `${path}: must be ${formText(form)}, ${not}.`;
}

function namedByOption(key: string): SettingName | undefined {
  return SETTING_NAMES.find((name) => settingOf(name).option?.name === key);
}

/**
 * What differs between two configurations, among settings that a run keeps when it is resumed.
 * @returns names of settings, in the table's order
 */
export function keptDifferences(a: TrainConfig, b: TrainConfig): (keyof TrainConfig)[] {
  const kept = configSettings.filter((name) => !settingOf(name).resumable);
  return (kept as (keyof TrainConfig)[]).filter(
    (name) => JSON.stringify(a[name]) !== JSON.stringify(b[name]),
  );
}
