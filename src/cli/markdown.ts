// docs/cli.md, made from the option tables; `npm run docs` writes it and a test compares.

import type { Command } from './command.ts';
import { optionGroups, optionHelp, optionUsage, usageLine } from './help.ts';

/** The page of all commands. */
export function cliMarkdown(commands: readonly Command[]): string {
  return [
    '# The command line',
    '',
    '<!-- Made by `npm run docs` from the option tables in src/cli; do not edit. -->',
    '',
    'In a clone say `npx table6` where this page says `table6`. Every command has `--help`, and `--json` for programs. Exit codes: 0 done, 1 it could not be done, 2 it was typed wrongly, 70 a defect of table6, 130 and 143 stopped by Ctrl-C and SIGTERM (a training run is then saved).',
    '',
    ...commands.map(({ name, summary }) => `- [\`table6 ${name}\`](#table6-${name}): ${summary}`),
    '',
    commands.map(commandSection).join('\n'),
  ].join('\n');
}

function commandSection(command: Command): string {
  const lines = [`## table6 ${command.name}`, '', `${command.summary}.`, ''];
  lines.push('```', usageLine(command), '```', '');
  if (command.description !== undefined) lines.push(command.description, '');
  if (command.arguments.length > 0) {
    lines.push('| argument | |', '|---|---|');
    for (const { name, help } of command.arguments) lines.push(row(name, help));
    lines.push('');
  }
  for (const [group, options] of optionGroups(command.options)) {
    lines.push(`| ${group.toLowerCase()} | |`, '|---|---|');
    for (const [key, option] of options) {
      lines.push(row(optionUsage(key, option), optionHelp(option)));
    }
    lines.push('');
  }
  lines.push('```sh');
  for (const { command: line, help } of command.examples) lines.push(`table6 ${line}  # ${help}`);
  lines.push('```', '');
  return lines.join('\n');
}

function row(code: string, text: string): string {
  const cell = (content: string) => content.replaceAll('|', '\\|');
  return `| \`${cell(code)}\` | ${cell(text).replaceAll('<', '&lt;').replaceAll('*', '\\*')} |`;
}
