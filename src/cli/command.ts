// What a command is: a name, its option table, its examples, and the function that does it. Command
// files hold nothing else at the top, so that the help of one costs only that file.

import type { Argument, OptionTable, ParsedCommandLine } from './options.ts';

export interface Example {
  /** What follows `table6 `. */
  readonly command: string;
  readonly help: string;
}

export interface Command<Table extends OptionTable = OptionTable> {
  readonly name: string;
  readonly summary: string;
  /** A few sentences under the usage line. */
  readonly description?: string;
  readonly arguments: readonly Argument[];
  readonly options: Table;
  readonly examples: readonly Example[];
  /** @returns the exit code */
  readonly run: (line: ParsedCommandLine<Table>) => Promise<number>;
}

/** Gives `run` the types of the command's own table. */
export function defineCommand<const Table extends OptionTable>(
  command: Command<Table>,
): Command<Table> {
  return command;
}

/** A command in the list of all of them. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<LoadedCommand>;
}

/** A command whose table's types are no longer known to the caller. */
// biome-ignore lint/suspicious/noExplicitAny: `run` is contravariant in its table; only parseCommandLine with the same table calls it
export type LoadedCommand = Command<any> & { readonly options: OptionTable };
