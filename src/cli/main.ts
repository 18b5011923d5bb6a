// The command line's entry: finds the command, parses, runs, and turns every ending into an exit
// code. A UserError is one sentence and 1 or 2; anything else is a defect of ours, with its stack
// and how to report it. Little is imported here, so that `table6 --help` answers at once.

import { readFileSync } from 'node:fs';
import { UserError } from '../util/errors.ts';
import { nearest } from '../util/suggest.ts';
import { loadCommand } from './command.ts';
import { COMMANDS } from './commands.ts';
import { brokenConsole } from './console/broken-console.ts';
import { print } from './console/print.ts';
import { wrap } from './console/wrap.ts';
import { commandHelp, groupHelp, overviewHelp } from './help.ts';
import { parseCommandLine } from './options.ts';

/** Runs a command line in this process and ends it. */
export async function runProcess(argv: readonly string[]): Promise<void> {
  brokenConsole.watch();
  const code = await main(argv);
  // Ends even where a library left a handle open; what was written goes out first.
  process.exitCode = code;
  await Promise.all([process.stdout, process.stderr].map(flushed));
  process.exit(code);
}

/**
 * Runs a command line.
 * @param argv what follows `table6`
 * @returns the exit code
 */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    return await dispatch(argv);
  } catch (error) {
    const { text, exitCode } = await describeError(error, argv);
    process.stderr.write(`${await forTerminal(text, exitCode)}\n`);
    return exitCode;
  }
}

/** Red, and broken between words where it is a sentence; elsewhere as it is, in one line. */
async function forTerminal(text: string, exitCode: number): Promise<string> {
  const { toned } = await import('./console/tone.ts');
  const { stderr } = process;
  if (!stderr.isTTY) return toned(text, 'plain', stderr);
  const width = Math.max(20, (stderr.columns || 80) - 1);
  const lines = exitCode === DEFECT ? [text] : wrap(text, width);
  return toned(lines.join('\n'), 'bad', stderr);
}

/** EX_SOFTWARE: tells a script that trying again will not help. */
const DEFECT = 70;

/** package.json's version. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}

async function dispatch(argv: readonly string[]): Promise<number> {
  const [first, ...others] = argv;
  if (first === undefined || first === '--help' || first === '-h') return printed(overview());
  if (first === '--version' || first === '-v' || first === '-V') return printed(packageVersion());
  if (first === 'help') return dispatch(others.length === 0 ? ['--help'] : [...others, '--help']);
  const found = findCommand(argv);
  if (found === undefined) {
    const group = COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
    if (group.length === 0) throw unknownCommand(first);
    const [second] = others;
    if (second !== undefined && !['--help', '-h'].includes(second)) {
      throw unknownCommand(second.startsWith('-') ? second : `${first} ${second}`, group);
    }
    return printed(groupHelp(first, group, process.stdout.columns));
  }
  const { entry, rest } = found;
  const command = await loadCommand(entry);
  const beforeTerminator = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
  if (beforeTerminator.some((arg) => arg === '--help' || arg === '-h')) {
    return printed(commandHelp(command, process.stdout.columns));
  }
  return command.run(parseCommandLine(command.name, command.options, command.arguments, rest));
}

/** The command that a line begins with, whose name may be of two words, and what follows it. */
function findCommand(argv: readonly string[]) {
  for (const words of [2, 1]) {
    const typed = argv.slice(0, words).join(' ');
    const entry = COMMANDS.find(({ name }) => name === typed);
    if (entry) return { entry, rest: argv.slice(words) };
  }
  return undefined;
}

function overview(): string {
  return overviewHelp(COMMANDS, packageVersion(), process.stdout.columns);
}

function unknownCommand(typed: string, known = COMMANDS): UserError {
  const names = known.map(({ name }) => name);
  const what = typed.startsWith('-') ? 'option' : 'command';
  const candidates = typed.startsWith('-') ? ['--help', '--version'] : names;
  const suggestion = nearest(typed, candidates);
  const hint =
    suggestion === undefined
      ? `the commands are ${names.join(', ')}`
      : `did you mean "table6 ${suggestion}"?`;
  return new UserError(`table6 has no ${what} "${typed}": ${hint}`, { exitCode: 2 });
}

function printed(text: string): number {
  print(text);
  return 0;
}

/**
 * What is told about an error, and the exit code: one sentence for what a user can repair, the stack
 * and how to report it for the rest.
 */
export async function describeError(
  error: unknown,
  argv: readonly string[],
): Promise<{ text: string; exitCode: number }> {
  const { repairable, worded } = await import('./advice.ts');
  const known = repairable(error);
  if (known) return { text: worded(known, argv[0]), exitCode: known.exitCode };
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const report = [
    stack,
    '',
    'This is a defect in table6, not a mistake of yours. Please open an issue with the text above,',
    `the command "table6 ${argv.join(' ')}" and the output of "table6 doctor".`,
  ];
  return { text: report.join('\n'), exitCode: DEFECT };
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) resolve();
    else stream.write('', () => resolve());
  });
}
