// What a command is: its option table, its examples, and the function that does it; its name and its summary
// are in the list of all commands (commands.ts). Command files hold nothing else at the top, so that the help
// of one costs only that file.

import type { Argument, OptionTable, ParsedCommandLine } from './options.ts';

export interface Example {
  /** What follows `table6 `. */
  readonly command: string;
  readonly help: string;
}

/** A command but for what the list of all commands says of it. */
export interface CommandBody<Table extends OptionTable = OptionTable> {
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
  command: CommandBody<Table>,
): CommandBody<Table> {
  return command;
}

/** A command in the list of all of them. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<LoadedBody>;
}

export type Command = CommandBody & Pick<CommandEntry, 'name' | 'summary'>;

/** A command whose table's types are no longer known to the caller. */
// biome-ignore lint/suspicious/noExplicitAny: `run` is contravariant in its table; only parseCommandLine with the same table calls it
type LoadedBody = CommandBody<any> & { readonly options: OptionTable };

export async function loadCommand({ name, summary, load }: CommandEntry) {
  return { name, summary, ...(await load()) };
}
