// What can set two rows of a report apart, as words: the recipe, every setting that changes a training,
// the data. A sweep over a learning rate is five rows of one network, and their names must say which
// is which; so must the lines under "what differs". A setting that nobody has thought of here is called
// by its name and its value, so new settings are told apart as soon as they are in the table.

import {
  PART_SETTINGS,
  settingLabel,
  settingValue,
  TRAINING_SETTINGS,
  type TrainConfig,
  type WarmupConfig,
} from '../../train/config.ts';
import type { SettingName } from '../../train/settings.ts';
import { plural } from '../../util/format.ts';
import { resolveConfig } from '../recipes.ts';
import type { Fact, ReportRow } from './data.ts';

/** What facts are read from; a page's lines have no runs of their own. */
export type Described = Pick<ReportRow, 'arch' | 'recipe' | 'dataTitle' | 'config' | 'images'>;

/** Everything by which a report may tell a row from others, in the order in which it is said. */
export function factsOf(row: Described): readonly Fact[] {
  const { recipe, dataTitle, config, images } = row;
  const facts: Fact[] = [];
  if (recipe !== undefined) facts.push(fact('recipe', 'recipe', recipe, recipe));
  facts.push(...settingFacts(row, config ?? {}));
  if (dataTitle !== undefined) facts.push(fact('data', 'data', dataTitle, dataTitle));
  const counts = [images?.train, images?.test];
  if (images) facts.push(fact('images', 'images', imagesText(images), JSON.stringify(counts)));
  return facts;
}

function fact(name: string, label: string, text: string, value: unknown): Fact {
  return { name, label, text, value, isUsual: false };
}

function imagesText({ train, test }: NonNullable<ReportRow['images']>): string {
  return `${train.toLocaleString('en-US')} training and ${test.toLocaleString('en-US')} test images`;
}

function settingFacts({ arch, recipe }: Described, config: Partial<TrainConfig>): Fact[] {
  // With a length of its own a recipe may move its drops along.
  const { unit, length } = config.schedule ?? {};
  const overrides = unit === 'epochs' ? { epochs: length } : {};
  const usual = recipe === undefined ? {} : resolveConfig({ arch, recipe, overrides });
  return SETTINGS_TOLD.flatMap((name) => {
    const value = settingValue(config, name);
    if (value === undefined) return [];
    const isUsual =
      name === 'epochs'
        ? isUsualLength({ arch, recipe }, value)
        : JSON.stringify(value) === JSON.stringify(settingValue(usual, name));
    const label = LABELS[name] ?? settingLabel(name);
    return [{ name, label, text: textOf(name, value, config), value, isUsual }];
  });
}

function isUsualLength({ arch, recipe }: Described, length: unknown): boolean {
  return recipe !== undefined && resolveConfig({ arch, recipe }).schedule.length === length;
}

const SAID_ELSEWHERE = new Set<SettingName>(['arch', 'recipe', 'schedule']);

/** `epochs` is the length of the schedule, whatever it counts in. */
const SETTINGS_TOLD: readonly SettingName[] = [
  'epochs',
  ...TRAINING_SETTINGS.filter((name) => !SAID_ELSEWHERE.has(name)),
  ...PART_SETTINGS.filter((name) => name !== 'epochs'),
  'validation',
];

/** What stands over a column or beside an axis where the option's name is too short for that. */
const LABELS: { readonly [Name in SettingName]?: string } = { learningRate: 'learning rate' };

/** How a setting is said where its name and its value would read badly. */
const WORDS: {
  readonly [Name in SettingName]?: (value: never, config: Partial<TrainConfig>) => string;
} = {
  epochs: (length: number, { schedule }) =>
    plural(length, schedule?.unit === 'iterations' ? 'iteration' : 'epoch'),
  scheduleKind: (kind: string) => kind,
  shortcut: (shortcut: string) => (shortcut === 'none' ? '' : `shortcut ${shortcut}`),
  milestones: (places: readonly number[]) =>
    places.length === 0 ? 'no drops' : `drops after ${places.join(', ')}`,
  warmup: (warmup: WarmupConfig) => (warmup.kind === 'none' ? 'no warm-up' : warmUpText(warmup)),
  augment: (augment: boolean) => (augment ? 'augmentation' : 'no augmentation'),
  half: (half: boolean) => (half ? 'half precision' : 'float32'),
  rateChanges: (changes: readonly unknown[]) =>
    changes.length === 0 ? '' : `the rate changed ${plural(changes.length, 'time')} by hand`,
  initial: (initial: TrainConfig['initial']) =>
    initial === null ? 'from random weights' : `from the weights of ${initial.source}`,
  freeze: (stage: string) => (stage === 'none' ? 'nothing frozen' : `frozen to ${stage}`),
  limitBatches: (batches: number) =>
    batches === 0
      ? 'all batches'
      : `only ${batches} ${batches === 1 ? 'batch' : 'batches'} an epoch`,
  validation: (count: number) =>
    count === 0 ? 'none held out' : `${count.toLocaleString('en-US')} held out`,
};

function warmUpText(warmup: Exclude<WarmupConfig, { kind: 'none' }>): string {
  switch (warmup.kind) {
    case 'epochs':
      return `warm-up of ${plural(warmup.epochs, 'epoch')}`;
    case 'until-error':
      return `warm-up to ${Math.round(100 * warmup.trainError)} %`;
    case 'whole-run':
      return `×${warmup.factor} throughout`;
    default:
      throw new Error(`unknown warm-up ${warmup satisfies never}`);
  }
}

function textOf(name: SettingName, value: unknown, config: Partial<TrainConfig>): string {
  const words = WORDS[name] as
    | ((value: unknown, config: Partial<TrainConfig>) => string)
    | undefined;
  if (words) return words(value, config);
  const label = settingLabel(name);
  if (typeof value === 'boolean') return value ? label : `no ${label}`;
  return `${label} ${typeof value === 'object' ? JSON.stringify(value) : value}`;
}

/** Numbers by size, lists by their first difference, all else as words. */
export function compareValues(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}
