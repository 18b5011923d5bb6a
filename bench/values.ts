// Values of options that the scripts here share, and one sentence for each mistake. Like the commands
// of the product, a script ends with 2 where it was typed wrongly.

import { UserError } from '../src/util/errors.ts';

export interface ValueReader {
  /** Each of them must be known. */
  words<Word extends string>(
    option: string,
    given: readonly string[],
    known: readonly Word[],
  ): Word[];
  positive(option: string, text: string): number;
  whole(option: string, text: string): number;
  mistake(message: string): UserError;
}

/** @param script goes before every sentence */
export function valueReader(script: string): ValueReader {
  const mistake = (message: string) => new UserError(`${script}: ${message}`, { exitCode: 2 });
  const positive = (option: string, text: string) => {
    const number = Number(text);
    if (!(number > 0)) throw mistake(`${option} takes positive numbers, not "${text}"`);
    return number;
  };
  return {
    mistake,
    positive,
    whole: (option, text) => {
      const number = positive(option, text);
      if (!Number.isInteger(number)) {
        throw mistake(`${option} takes whole numbers, not "${text}"`);
      }
      return number;
    },
    words: (option, given, known) =>
      given.map((text) => {
        const word = known.find((candidate) => candidate === text);
        if (!word) throw mistake(`${option} takes ${known.join(', ')}, not "${text}"`);
        return word;
      }),
  };
}

/** The parts between commas; absent where nothing was typed. */
export function list(text: string | undefined): string[] | undefined {
  return text?.split(',').filter(Boolean);
}
