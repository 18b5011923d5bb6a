// Help as text for the terminal, from the same tables that parse the command line.

import { boundsText } from '../util/bounds.ts';
import type { Command, CommandEntry } from './command.ts';
import { wrap } from './console/wrap.ts';
import { flagName, type Option, type OptionTable } from './options.ts';

/** Lines that are longer are hard to read. */
const WIDEST = 100;
/** Below, the explanation of an option stands under it, not beside it. */
const NARROW = 80;

/**
 * `table6 --help`.
 * @param columns of the terminal
 */
export function overviewHelp(
  commands: readonly CommandEntry[],
  version: string,
  columns = WIDEST,
): string {
  const title = `table6 ${version}: the CIFAR-10 residual networks of He et al. (2015), Table 6, trained in TypeScript`;
  const examples = [
    ['table6 train resnet20 --recipe quick', 'Train on CIFAR-10 for a few epochs'],
    ['table6 evaluate runs/<run>', 'Test error of the best checkpoint'],
    ['table6 summary --all', 'The six networks of Table 6'],
  ] as const;
  const width = columns < NARROW ? 4 : 37;
  return [
    ...wrap(title, columns === WIDEST ? title.length : columns - 1),
    '',
    'Usage: table6 <command> [options]',
    '',
    ...commandList(commands, columns),
    '',
    'Examples:',
    ...examples.flatMap(([line, help]) => entry(line, width, help, columns)),
    '',
    ...wrap("'table6 <command> --help' shows a command's options and examples.", columns - 1),
  ].join('\n');
}

/** `table6 slurm --help`: the commands whose names begin with one word. */
export function groupHelp(
  group: string,
  commands: readonly CommandEntry[],
  columns = WIDEST,
): string {
  return [
    `Usage: table6 ${group} <command> [options]`,
    '',
    ...commandList(commands, columns),
    '',
    ...wrap(
      `'table6 ${group} <command> --help' shows a command's options and examples.`,
      columns - 1,
    ),
  ].join('\n');
}

function commandList(commands: readonly CommandEntry[], columns: number): string[] {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'Commands:',
    ...commands.flatMap(({ name, summary }) => entry(name, width, summary, columns)),
  ];
}

/**
 * `table6 <command> --help`.
 * @param columns of the terminal
 */
export function commandHelp(command: Command, columns = WIDEST): string {
  const lines = [`table6 ${command.name}: ${command.summary}`, '', `Usage: ${usageLine(command)}`];
  if (command.description !== undefined)
    lines.push('', ...wrap(command.description, Math.min(96, columns - 1)));
  if (command.arguments.length > 0) {
    lines.push('', 'Arguments:');
    const width = Math.max(...command.arguments.map(({ name }) => name.length));
    for (const { name, help } of command.arguments)
      lines.push(...entry(name, width, help, columns));
  }
  for (const [group, options] of optionGroups(command.options)) {
    lines.push('', `${group}:`);
    const named = options.map(([key, option]) => [optionUsage(key, option), option] as const);
    const most = columns < NARROW ? 4 : 34;
    const width = Math.min(most, Math.max(...named.map(([usage]) => usage.length)));
    for (const [usage, option] of named) {
      lines.push(...entry(usage, width, optionHelp(option), columns));
    }
  }
  lines.push('', 'Examples:');
  for (const { command: line, help } of command.examples) {
    lines.push(`  table6 ${line}`, `      ${help}`);
  }
  return lines.join('\n');
}

/** `table6 train [ARCH] [options]`. */
export function usageLine(command: Command): string {
  const positionals = command.arguments.map(({ name, required, repeated }) => {
    const shown = repeated ? `${name}...` : name;
    return required ? shown : `[${shown}]`;
  });
  return ['table6', command.name, ...positionals, '[options]'].join(' ');
}

/** Options by heading, in the table's order. */
export function optionGroups(table: OptionTable): [string, [string, Option<unknown>][]][] {
  const groups = new Map<string, [string, Option<unknown>][]>();
  for (const [key, option] of Object.entries(table)) {
    const group = option.group ?? 'Options';
    groups.set(group, [...(groups.get(group) ?? []), [key, option]]);
  }
  return [...groups];
}

/** `-b, --batch-size <n>`. */
export function optionUsage(key: string, option: Option<unknown>): string {
  const short = option.short === undefined ? '' : `-${option.short}, `;
  const value = option.placeholder === undefined ? '' : ` ${option.placeholder}`;
  return `${short}--${flagName(key, option)}${value}`;
}

/** The help line with aliases, bounds and default. */
export function optionHelp(option: Option<unknown>): string {
  const notes: string[] = [];
  if (option.aliases?.length) notes.push(`also ${option.aliases.map((a) => `--${a}`).join(', ')}`);
  const bounds = boundsText(option.bounds ?? {});
  if (bounds !== '') notes.push(bounds);
  const shown = option.shownDefault ?? defaultText(option.initial);
  if (shown !== undefined) notes.push(`default ${shown}`);
  return notes.length === 0 ? option.help : `${option.help} (${notes.join('; ')})`;
}

function defaultText(initial: unknown): string | undefined {
  return initial === undefined || typeof initial === 'boolean' ? undefined : String(initial);
}

function entry(left: string, width: number, help: string, columns: number): string[] {
  const indent = ' '.repeat(width + 4);
  const [first = '', ...rest] = wrap(help, Math.min(WIDEST, columns) - width - 4);
  const head =
    left.length > width
      ? [`  ${left}`, `${indent}${first}`]
      : [`  ${left.padEnd(width)}  ${first}`];
  return [...head, ...rest.map((line) => `${indent}${line}`)];
}
