// docs/cli.md is what the option tables say.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { loadCommand } from '../../src/cli/command.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { cliMarkdown } from '../../src/cli/markdown.ts';
import { REPOSITORY } from './run-table6.ts';

test('docs/cli.md is up to date (npm run docs)', async () => {
  const written = await readFile(path.join(REPOSITORY, 'docs', 'cli.md'), 'utf8');
  const commands = await Promise.all(COMMANDS.map(loadCommand));
  expect(written).toBe(cliMarkdown(commands));
});
