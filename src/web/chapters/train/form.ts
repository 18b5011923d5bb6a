// What is asked for in this chapter's form: from texts, as the address carries them, to a run that can be
// begun, or to what is wrong and at which field. Settings come from the table of train/settings.ts; data
// and device have places of their own.

import { RECIPES, resolveConfig } from '../../../experiment/recipes.ts';
import {
  GIVEN_SETTINGS,
  type GivenSetting,
  type RecipeName,
  settingOf,
  type TrainConfig,
} from '../../../train/config.ts';
import { messageOf, UserError } from '../../../util/errors.ts';
import { sum } from '../../../util/statistics.ts';
import { text } from '../../shared/address.ts';
import { type FormTexts, readSettings } from '../../shared/form/read.ts';
import type { DataFacts, RunRequest } from '../../worker/protocol.ts';

/** Shown at once; the others fold away. */
export const COMMON = [
  'arch',
  'recipe',
  'epochs',
  'batchSize',
  'learningRate',
  'seed',
] as const satisfies readonly GivenSetting[];

/** Images are chosen in chapter 3, devices below; a tab begins with random weights, which none freezes. */
const ELSEWHERE: readonly GivenSetting[] = ['data', 'device', 'threads', 'freeze'];

export const RARE = GIVEN_SETTINGS.filter(
  (name) => !COMMON.some((common) => common === name) && !ELSEWHERE.includes(name),
);

/**
 * What stands in the form for someone who has set nothing: small enough to learn 2,000 synthetic images
 * in a minute or two on a laptop's CPU.
 */
export const FIRST: FormTexts = {
  arch: 'resnet8',
  recipe: 'fast',
  epochs: '10',
  batchSize: '32',
  seed: '1',
};

/** What the paper and the notebook begin with: the form's other starting point. */
export const PAPERS: FormTexts = {
  arch: 'resnet20',
  recipe: 'notebook',
  epochs: '',
  batchSize: '',
  seed: '1',
};

/** For `addressState`. */
export function formFields() {
  const names = [...COMMON, ...RARE] as const;
  return Object.fromEntries(names.map((name) => [name, text(FIRST[name] ?? '')]));
}

/** Networks to choose from; any depth 6n + 2 can be typed. */
export const ARCHS = [8, 14, 20, 32, 44, 56, 110].flatMap((depth) => [
  `resnet${depth}`,
  `plain${depth}`,
]);

export interface Asked {
  /** Absent where something is wrong. */
  readonly run?: RunRequest;
  readonly config?: TrainConfig;
  /** At their fields. */
  readonly problems: FormTexts;
  /** Of several fields together. */
  readonly problem?: string;
  /** What the recipe says for each field. */
  readonly byRecipe: FormTexts;
  /** Fields that differ from it. */
  readonly changed: readonly GivenSetting[];
}

/** @param data the chosen images, where there are any yet */
export function readForm(texts: FormTexts, data: DataFacts | undefined): Asked {
  const { arch = '', recipe, overrides: read, problems } = readSettings(texts);
  const overrides = { ...read, ...heldOut(read.validation, data), classes: classesOf(data) };
  const { byRecipe, problem } = recipeTexts(arch, recipe);
  if (problem !== undefined) {
    return { problems: { ...problems, arch: problem }, byRecipe, changed: [] };
  }
  const changed = [...COMMON, ...RARE].filter((name) => {
    const typed = texts[name]?.trim() ?? '';
    const own = name === 'arch' || name === 'recipe' || name === 'seed';
    return !own && typed !== '' && typed !== byRecipe[name];
  });
  if (Object.keys(problems).length > 0) return { problems, byRecipe, changed };
  try {
    const config = resolveConfig({ arch, recipe, overrides });
    return { run: { arch, recipe, overrides }, config, problems, byRecipe, changed };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { ...problemOf(error), byRecipe, changed };
  }
}

/** At the fields that it is about, where the error names them. */
function problemOf(error: UserError): Pick<Asked, 'problems' | 'problem'> {
  const { code, facts } = error;
  if (code === 'schedule-is-fixed' || code === 'nothing-for-muon') {
    const { settings } = facts as unknown as { readonly settings: readonly GivenSetting[] };
    return { problems: Object.fromEntries(settings.map((name) => [name, error.message])) };
  }
  if (code === 'nothing-to-train') return { problems: { startEpoch: error.message } };
  return { problems: {}, problem: error.message };
}

function recipeTexts(
  arch: string,
  recipe: RecipeName | undefined,
): { readonly byRecipe: FormTexts; readonly problem?: string } {
  if (arch === '') return { byRecipe: {}, problem: 'Name a network, such as resnet20.' };
  try {
    const config = resolveConfig({ arch, recipe });
    const texts = [...COMMON, ...RARE].map((name) => [name, textOf(name, config)]);
    return { byRecipe: Object.fromEntries(texts) };
  } catch (error) {
    return { byRecipe: {}, problem: messageOf(error) };
  }
}

/** A setting of a configuration as it is typed; '' where there is no short way. */
function textOf(name: GivenSetting, config: TrainConfig): string {
  const { path, form } = settingOf(name);
  const value = path
    ? (config.schedule as Record<string, unknown>)[path.slice('schedule.'.length)]
    : config[name as keyof TrainConfig];
  if (form?.kind === 'flag') return value === (settingOf(name).option?.sets ?? true) ? '1' : '';
  if (name === 'epochs' && config.schedule.unit === 'iterations') {
    return `${config.schedule.length.toLocaleString('en')} steps`;
  }
  if (Array.isArray(value)) return value.join(',');
  if (name === 'warmup') return warmupText(value as Record<string, unknown> | undefined);
  return value === undefined || value === null ? '' : String(value);
}

function warmupText(warmup: Record<string, unknown> | undefined): string {
  switch (warmup?.kind) {
    case 'epochs':
      return String(warmup.epochs);
    case 'until-error':
      return `${100 * Number(warmup.trainError)}%`;
    case undefined:
      return '';
    default:
      return String(warmup?.kind);
  }
}

/** A share of the images becomes a number of them, which a configuration has. */
function heldOut(asked: number | undefined, data: DataFacts | undefined) {
  if (asked === undefined || asked >= 1 || asked === 0) return {};
  const images = data ? sum(data.train) : 0;
  return { validation: Math.round(asked * images) };
}

const classesOf = (data: DataFacts | undefined) => data?.classes.length ?? 10;

/** One line about a recipe, of the form that `--help` has. */
export function recipeLine(recipe: string): string {
  const known = Object.values(RECIPES).find(({ name }) => name === recipe);
  return (known?.description ?? '').replaceAll(' (or --epochs)', '');
}
