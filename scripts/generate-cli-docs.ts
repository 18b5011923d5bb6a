// Writes docs/cli.md from the command line's own option tables.

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadCommand } from '../src/cli/command.ts';
import { COMMANDS } from '../src/cli/commands.ts';
import { cliMarkdown } from '../src/cli/markdown.ts';

const file = path.join(import.meta.dirname, '..', 'docs', 'cli.md');
const commands = await Promise.all(COMMANDS.map(loadCommand));
mkdirSync(path.dirname(file), { recursive: true });
writeFileSync(file, cliMarkdown(commands));
console.log('docs/cli.md written');
