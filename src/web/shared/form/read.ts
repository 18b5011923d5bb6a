// From what stands in a form (text, as in the address) to the settings of a run, by the table that the
// command line is made of (train/settings.ts). An empty field asks for nothing: then the recipe decides.

import {
  type ConfigOverrides,
  type GivenSetting,
  RECIPE_NAMES,
  type RecipeName,
  settingOf,
} from '../../../train/config.ts';
import { type Form, formText, schemaOf } from '../../../train/setting.ts';
import { UserError } from '../../../util/errors.ts';
import { type Field, text } from '../address.ts';

/** What is in the fields; a name that is not there, or '', is an empty one. A checked switch is '1'. */
export type FormTexts = Partial<Record<GivenSetting, string>>;

/** Fields for `addressState`, so that a link carries what was filled in. */
export function settingFields<const Name extends GivenSetting>(
  names: readonly Name[],
): Record<Name, Field<string>> {
  return Object.fromEntries(names.map((name) => [name, text()])) as Record<Name, Field<string>>;
}

export interface ReadSettings {
  readonly arch?: string;
  readonly recipe?: RecipeName;
  /** For `resolveConfig`. */
  readonly overrides: ConfigOverrides;
  /** For each field that is wrong, what it must be. */
  readonly problems: Partial<Record<GivenSetting, string>>;
}

/** All fields together. Whether settings fit each other, `resolveConfig` says. */
export function readSettings(texts: FormTexts): ReadSettings {
  const problems: Partial<Record<GivenSetting, string>> = {};
  const values: Record<string, unknown> = {};
  for (const [name, typed] of Object.entries(texts) as [GivenSetting, string][]) {
    const read = readSetting(name, typed);
    if ('problem' in read) problems[name] = read.problem;
    else if (read.value !== undefined) values[name] = read.value;
  }
  const { arch, recipe, ...overrides } = values;
  return {
    arch: arch as string | undefined,
    recipe: RECIPE_NAMES.find((known) => known === recipe),
    overrides: overrides as ConfigOverrides,
    problems,
  };
}

/** One field: its value (undefined for an empty one), or what is wrong with it in a sentence. */
export function readSetting(
  name: GivenSetting,
  typed: string,
): { readonly value: unknown } | { readonly problem: string } {
  const { form, option } = settingOf(name);
  const trimmed = typed.trim();
  if (form === undefined || trimmed === '') return { value: undefined };
  if (form.kind === 'flag') {
    return { value: trimmed === '1' ? (option?.sets ?? true) : undefined };
  }
  if (form.kind === 'text' && form.read) return readText(form.read, trimmed);
  if (form.kind === 'choice' && form.other) return readText(form.other.read, trimmed);
  const { success, data } = schemaOf(form).safeParse(plainValue(form, trimmed));
  const isWrong = !success || (form.kind === 'integers' && !isRising(data));
  return isWrong ? { problem: `Must be ${formText(form)}.` } : { value: data };
}

function plainValue(form: Form, typed: string): unknown {
  if (form.kind === 'integers') return typed === 'none' ? [] : typed.split(',').map(Number);
  if (form.kind === 'choice') {
    return form.words.find((word) => word.toLowerCase() === typed.toLowerCase());
  }
  return form.kind === 'text' ? typed : Number(typed);
}

function isRising(values: unknown): boolean {
  const numbers = values as readonly number[];
  return numbers.every((number, i) => number > (numbers[i - 1] ?? 0));
}

function readText(read: (text: string) => unknown, typed: string) {
  try {
    return { value: read(typed) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { message } = error;
    const sentence = message.charAt(0).toUpperCase() + message.slice(1);
    return { problem: /[.?!]$/.test(sentence) ? sentence : `${sentence}.` };
  }
}

/** `learningRate` → `Learning rate`; a switch that turns something off is called by what it does. */
export function labelOf(name: GivenSetting): string {
  const { option } = settingOf(name);
  const words = option?.sets === false ? (option.name ?? name).replaceAll('-', ' ') : name;
  const spaced = words.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** What an empty field means, in the table's words. */
export function emptyMeans(name: GivenSetting): string {
  const { option, default: initial } = settingOf(name);
  if (option?.shownDefault !== undefined) return option.shownDefault;
  return initial === undefined ? '' : String(initial);
}

/** Words to choose from for what may also be typed: those of `<auto|cpu|webgpu[:name]>`, or of a choice. */
export function suggestionsFor(form: Form): readonly string[] {
  if (form.kind === 'choice') return form.words;
  if (form.kind !== 'text') return [];
  const words = form.placeholder.replace(/^<|>$/g, '').split('|');
  return words.length < 2 ? [] : words.filter((word) => /^[a-z]+$/.test(word));
}
