// One typed table for each command: what an option is called, how its text becomes a value, what it
// means. Parsing, help, validation and docs/cli.md are all read from it, so they cannot disagree.
// The tokens come from node:util's parseArgs; what is added is one sentence for every mistake.

import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Bounds } from '../util/bounds.ts';
import { UserError } from '../util/errors.ts';
import { nearest } from '../util/suggest.ts';

export interface Option<T> {
  /** One line for the help. */
  readonly help: string;
  /** What stands for the value in the help, such as `<n>`; absent for a switch. */
  readonly placeholder?: string;
  /** Its long name, where that is not the table's key: `lr`. */
  readonly name?: string;
  /** One letter, for `-b`. */
  readonly short?: string;
  /** Other long names, for people who come from another program. */
  readonly aliases?: readonly string[];
  /** The default as the help prints it, where the command decides it later (recipes). */
  readonly shownDefault?: string;
  /** The range of a number. */
  readonly bounds?: Bounds;
  /** Heading under which the help lists it. */
  readonly group?: string;
  readonly initial: T;
  /** Of an option that may be given several times: what two of its values come to. */
  together?(before: Exclude<T, undefined>, next: Exclude<T, undefined>): Exclude<T, undefined>;
  /** Turns the text after the option into its value; throws UserError saying what it must be. */
  readonly parse: (text: string) => Exclude<T, undefined>;
}

export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** The values of a table, by option name. */
export type Values<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer T> ? T : never;
};

export interface Argument {
  readonly name: string;
  readonly help: string;
  readonly required: boolean;
  /** The words that it may be, for completion. */
  readonly choices?: readonly string[];
  /** Takes all that follow. */
  readonly repeated?: boolean;
}

export interface ParsedCommandLine<Table extends OptionTable> {
  readonly values: Values<Table>;
  readonly positionals: readonly string[];
  /** Names of the options that were typed, as opposed to left at their default. */
  readonly given: ReadonlySet<string>;
}

/** The table's keys are camel case, the command line's are not: `batchSize` is `--batch-size`. */
export function flagName(key: string, option: Pick<Option<unknown>, 'name'> = {}): string {
  return option.name ?? key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * Reads a command's arguments.
 * @param command the command's name, for messages
 * @throws UserError (exit code 2) for anything the table and `positionals` do not allow
 */
export function parseCommandLine<Table extends OptionTable>(
  command: string,
  table: Table,
  expected: readonly Argument[],
  argv: readonly string[],
): ParsedCommandLine<Table> {
  const { keys, config } = flagsOf(table);
  const { tokens } = parseArgs({
    args: [...argv],
    options: config,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(table)) values[key] = option.initial;
  const given = new Set<string>();
  const positionals: string[] = [];
  let before: string | undefined;
  for (const token of tokens) {
    const switchBefore = before;
    before = undefined;
    if (token.kind === 'positional') {
      if (switchBefore !== undefined && TRUTH_VALUES.has(token.value.toLowerCase())) {
        throw takesNoValue(command, switchBefore);
      }
      positionals.push(token.value);
    }
    if (token.kind !== 'option') continue;
    const key = keys.get(token.name);
    const option = key === undefined ? undefined : table[key];
    if (key === undefined || option === undefined) {
      throw unknownOption(command, token.rawName, [...keys.keys()]);
    }
    if (option.placeholder === undefined) before = token.rawName;
    const value = readValue(command, option, token);
    values[key] = given.has(key) ? both(command, token.rawName, option, values[key], value) : value;
    given.add(key);
  }
  checkPositionals(command, expected, positionals);
  return { values: values as Values<Table>, positionals, given };
}

/** The last of a repeated option counts, as everywhere, but for those that add up. */
function both(
  command: string,
  rawName: string,
  option: Option<unknown>,
  before: unknown,
  next: unknown,
): unknown {
  const { together } = option;
  if (!together) return next;
  return completing(command, rawName, () => together(before ?? next, next ?? before));
}

/** What is wrong with a value completes the sentence about its option. */
function completing<T>(command: string, rawName: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw usageError(command, `${rawName} ${error.message}`);
  }
}

/** What people write after a switch who come from a program where it takes a value. */
const TRUTH_VALUES = new Set(['0', '1', 'true', 'false', 'yes', 'no', 'on', 'off']);

function takesNoValue(command: string, rawName: string): UserError {
  return usageError(command, `${rawName} is a switch and takes no value`);
}

function flagsOf(table: OptionTable) {
  const keys = new Map<string, string>();
  const config: NonNullable<ParseArgsConfig['options']> = {};
  for (const [key, option] of Object.entries(table)) {
    const type = option.placeholder === undefined ? 'boolean' : 'string';
    for (const name of [flagName(key, option), ...(option.aliases ?? [])]) {
      keys.set(name, key);
      config[name] = { type };
    }
    if (option.short !== undefined) config[flagName(key, option)] = { type, short: option.short };
  }
  return { keys, config };
}

function readValue(
  command: string,
  option: Option<unknown>,
  token: { rawName: string; value?: string | undefined; inlineValue?: boolean | undefined },
): unknown {
  const { rawName, value, inlineValue } = token;
  if (option.placeholder === undefined) {
    if (value !== undefined) throw takesNoValue(command, rawName);
    return option.parse('');
  }
  // `--save-dir --json` is a forgotten value, not a folder called `--json`.
  if (value === undefined || (!inlineValue && value.startsWith('--'))) {
    throw usageError(command, `${rawName} needs a value: ${rawName} ${option.placeholder}`);
  }
  return completing(command, rawName, () => option.parse(value));
}

function checkPositionals(
  command: string,
  expected: readonly Argument[],
  positionals: readonly string[],
): void {
  const missing = expected.find(
    (argument, index) => argument.required && index >= positionals.length,
  );
  if (missing) throw usageError(command, `${missing.name} is missing (${missing.help})`);
  const unlimited = expected.some((argument) => argument.repeated);
  const extra = positionals[expected.length];
  if (extra !== undefined && !unlimited) {
    throw usageError(command, `it does not know what to do with "${extra}"`);
  }
}

function unknownOption(command: string, rawName: string, names: readonly string[]): UserError {
  const suggestion = nearest(rawName.replace(/^-+/, ''), names);
  return usageError(
    command,
    suggestion === undefined
      ? `there is no option ${rawName}`
      : `there is no option ${rawName}; did you mean --${suggestion}?`,
  );
}

/** A command that was typed wrongly: exit code 2, and where to look. */
export function usageError(command: string, message: string): UserError {
  const end = /[.?!]$/.test(message) ? '' : '.';
  return new UserError(`table6 ${command}: ${message}${end} See: table6 ${command} --help`, {
    exitCode: 2,
  });
}
