// What is said about a setting, as data (`settings.ts` has all of them): a schema is made of its form,
// the command line makes an option of it, and a page makes an input of it.

import * as z from 'zod/mini';
import { type Bounds, boundsText } from '../util/bounds.ts';

/** Headings of the settings that users give. */
export const GROUPS = {
  schedule: 'Schedule and optimizer',
  network: 'Network and data',
  run: 'Run folder and console',
  machine: 'Machine',
} as const;
export type SettingGroup = keyof typeof GROUPS;

export interface Setting {
  /** The kind of value that users give; absent where they give none. */
  readonly form?: Form;
  /** Of the value in a configuration, where it is not the form's. */
  readonly schema?: z.ZodMiniType;
  /** Where in a configuration it is kept, for one that is not a key of its own. */
  readonly path?: `schedule.${string}`;
  /** Of a new run, where neither the recipe, the network nor the user says. */
  readonly default?: unknown;
  /** Of runs that are older than the setting. */
  readonly older?: unknown;
  /**
   * What another value makes of a run: another `training`; the same one repeated with another
   * `sample` of random numbers; one on other `images`, which a report tells apart by what was loaded;
   * other `rounding`; or the same weights to the last bit (`nothing`).
   */
  readonly changes: 'training' | 'sample' | 'images' | 'rounding' | 'nothing';
  /** It may be another one when a run is resumed. */
  readonly resumable?: true;
  /** A plan fixes it for all its runs; its default there, where it has one of its own. */
  readonly plan?: { readonly default?: unknown };
  /** How users give it; absent where they do not. */
  readonly option?: SettingOption;
}

export interface SettingOption {
  readonly group: SettingGroup;
  /** One line. Names other settings, not options, because a page shows it too. */
  readonly help: string;
  /** Its long name on the command line, where that is not the setting's own. */
  readonly name?: string;
  /** Other long names, for people who come from another program. */
  readonly aliases?: readonly string[];
  /** One letter, for `-b`. */
  readonly short?: string;
  /** The default in words, where it is more than a value. */
  readonly shownDefault?: string;
  /** What a switch sets, where that is not true. */
  readonly sets?: false;
}

export type Form =
  /** One of a few words; `other` reads what is none of them. */
  | {
      readonly kind: 'choice';
      readonly words: readonly string[];
      readonly other?: OtherChoice;
    }
  | ({ readonly kind: 'integer' } & Bounds)
  | ({ readonly kind: 'number' } & Bounds)
  /** Rising whole numbers. */
  | { readonly kind: 'integers' }
  /** A number of images (5000), or a fraction of them below 1 (0.1). */
  | { readonly kind: 'amount' }
  | { readonly kind: 'flag' }
  | TextForm;

export interface OtherChoice {
  /** What stands for it among the words in help, such as `MEAN/DEVIATION`. */
  readonly placeholder: string;
  /** @throws UserError whose message completes "--option ..." */
  readonly read: (text: string) => unknown;
}

export interface TextForm {
  readonly kind: 'text';
  /** What stands for the text in help, such as `<path>`. */
  readonly placeholder: string;
  /**
   * The value that a text means; without it the text itself.
   * @throws UserError whose message completes "--option ..."
   */
  readonly read?: (text: string) => unknown;
}

/** The type of a form's values. */
export type FormValue<F> = F extends {
  readonly kind: 'choice';
  readonly other: { readonly read: (text: string) => infer Value };
}
  ? Value
  : F extends { readonly kind: 'choice'; readonly words: infer Words }
    ? Words extends readonly (infer Word)[]
      ? Word
      : never
    : F extends { readonly kind: 'integer' | 'number' | 'amount' }
      ? number
      : F extends { readonly kind: 'integers' }
        ? readonly number[]
        : F extends { readonly kind: 'flag' }
          ? boolean
          : F extends { readonly kind: 'text'; readonly read: (text: string) => infer Value }
            ? Value
            : F extends { readonly kind: 'text' }
              ? string
              : never;

/** The schema of a form's values. A text that is read into something else needs one of its own. */
export function schemaOf<F extends Form>(form: F): z.ZodMiniType<FormValue<F>> {
  return untypedSchemaOf(form) as z.ZodMiniType<FormValue<F>>;
}

function untypedSchemaOf(form: Form): z.ZodMiniType {
  switch (form.kind) {
    case 'choice':
      return z.enum(form.words);
    case 'integer':
      return z.int().check(...boundChecks(form));
    case 'number':
      return z.number().check(...boundChecks(form));
    case 'integers':
      return z.array(z.int().check(z.minimum(0)));
    case 'amount':
      return z.number().check(z.minimum(0));
    case 'flag':
      return z.boolean();
    case 'text':
      return z.string().check(z.minLength(1));
    default:
      throw new Error(`unknown form ${form satisfies never}`);
  }
}

function boundChecks({ minimum, maximum, above, below }: Bounds) {
  return [
    ...(minimum === undefined ? [] : [z.gte(minimum)]),
    ...(maximum === undefined ? [] : [z.lte(maximum)]),
    ...(above === undefined ? [] : [z.gt(above)]),
    ...(below === undefined ? [] : [z.lt(below)]),
  ];
}

/** What a value must be, to complete "must be ...". */
export function formText(form: Form): string {
  switch (form.kind) {
    case 'choice':
      return `one of ${form.words.join(', ')}`;
    case 'integer':
      return `a whole number${boundsPhrase(form)}`;
    case 'number':
      return `a number${boundsPhrase(form)}`;
    case 'integers':
      return 'rising whole numbers such as 100,150';
    case 'amount':
      return 'a number of images (5000) or a fraction below 1 (0.1)';
    case 'flag':
      return 'true or false';
    case 'text':
      return 'a text that is not empty';
    default:
      throw new Error(`unknown form ${form satisfies never}`);
  }
}

function boundsPhrase(bounds: Bounds): string {
  const text = boundsText(bounds);
  return text === '' ? '' : `, ${text}`;
}
