// The kinds of options there are: each makes an entry of an option table with its own check, and
// the check's message completes the sentence "--batch-size ...".

import { type Bounds, boundsText, isWithin } from '../util/bounds.ts';
import { UserError } from '../util/errors.ts';
import { didYouMean } from '../util/suggest.ts';
import type { Option } from './options.ts';

type Common = Pick<
  Option<unknown>,
  'help' | 'name' | 'placeholder' | 'short' | 'aliases' | 'group' | 'shownDefault'
>;

/** A switch: absent is false. */
export function flag(spec: Omit<Common, 'placeholder'>): Option<boolean> {
  return { ...spec, initial: false, parse: () => true };
}

/** Any text, such as a path. */
export function text(spec: Common & { initial: string }): Option<string>;
export function text(spec: Common): Option<string | undefined>;
export function text(spec: Common & { initial?: string }): Option<string | undefined> {
  return {
    placeholder: '<text>',
    ...spec,
    initial: spec.initial,
    parse: (value) => {
      if (value === '') throw new UserError('must not be empty');
      return value;
    },
  };
}

/** A whole number. */
export function integer(spec: Common & Bounds & { initial: number }): Option<number>;
export function integer(spec: Common & Bounds): Option<number | undefined>;
export function integer(spec: Common & Bounds & { initial?: number }): Option<number | undefined> {
  return {
    placeholder: '<n>',
    ...spec,
    bounds: spec,
    initial: spec.initial,
    parse: (value) => {
      const number = Number(value);
      if (value.trim() === '' || !Number.isInteger(number)) {
        throw new UserError(`must be a whole number, not "${value}"`);
      }
      const within = withinBounds(number, value, spec);
      return withinBounds(within, value, { maximum: Number.MAX_SAFE_INTEGER });
    },
  };
}

/** A number. */
export function number(spec: Common & Bounds & { initial: number }): Option<number>;
export function number(spec: Common & Bounds): Option<number | undefined>;
export function number(spec: Common & Bounds & { initial?: number }): Option<number | undefined> {
  return {
    placeholder: '<x>',
    ...spec,
    bounds: spec,
    initial: spec.initial,
    parse: (value) => {
      const result = Number(value);
      if (value.trim() === '' || !Number.isFinite(result)) {
        throw new UserError(`must be a number, not "${value}"`);
      }
      return withinBounds(result, value, spec);
    },
  };
}

/** What may be typed instead of one of the words. */
interface OtherChoice {
  readonly placeholder: string;
  readonly read: (text: string) => unknown;
}

/** One of a few words. */
export function choice<const Word extends string>(
  words: readonly Word[],
  spec: Common & { initial: Word; other?: OtherChoice },
): Option<Word>;
export function choice<const Word extends string>(
  words: readonly Word[],
  spec: Common & { other?: OtherChoice },
): Option<Word | undefined>;
export function choice<const Word extends string>(
  words: readonly Word[],
  { other, ...spec }: Common & { initial?: Word; other?: OtherChoice },
): Option<Word | undefined> {
  const shown = other ? [...words, other.placeholder] : words;
  return {
    placeholder: `<${shown.join('|')}>`,
    ...spec,
    initial: spec.initial,
    parse: (value) => {
      const word = words.find((candidate) => candidate.toLowerCase() === value.toLowerCase());
      if (word !== undefined) return word;
      if (other && value.includes('/')) return other.read(value) as Word;
      throw new UserError(
        `must be one of ${shown.join(', ')}, not "${value}".${didYouMean(value, words)}`,
      );
    },
  };
}

/** Whole numbers separated by commas, rising: `100,150`. `none` is the empty list. */
export function integerList(spec: Common): Option<readonly number[] | undefined> {
  return {
    placeholder: '<n,n,...>',
    ...spec,
    initial: undefined,
    parse: (value) => {
      if (value === 'none') return [];
      const numbers = value.split(',').map(Number);
      const rising = numbers.every(
        (number, index) => Number.isSafeInteger(number) && number > (numbers[index - 1] ?? 0),
      );
      if (value.trim() === '' || !rising) {
        throw new UserError(`must be rising whole numbers such as 100,150, not "${value}"`);
      }
      return numbers;
    },
  };
}

/** A number of images (5000), or a fraction of them (0.1). */
export function amount(spec: Common): Option<number | undefined> {
  return {
    placeholder: '<n|fraction>',
    ...spec,
    initial: undefined,
    parse: (value) => {
      const result = Number(value);
      const valid = result >= 0 && (result < 1 || Number.isSafeInteger(result));
      if (value.trim() === '' || !valid) {
        throw new UserError(
          `must be a number of images (5000) or a fraction below 1 (0.1), not "${value}"`,
        );
      }
      return result;
    },
  };
}

function withinBounds(number: number, typed: string, bounds: Bounds): number {
  if (isWithin(number, bounds)) return number;
  throw new UserError(`must be ${boundsText(bounds)}, not ${typed}`);
}
