// Help on narrow terminals: nothing is broken in mid-word, and every command is there.

import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { groupHelp, overviewHelp } from '../../src/cli/help.ts';

test.each([50, 60, 79, 100])('the overview fits %i columns', (columns) => {
  const lines = overviewHelp(COMMANDS, '1.2.3', columns).split('\n');
  expect(lines.filter((line) => line.length > columns)).toEqual([]);
  for (const { name } of COMMANDS) {
    expect(lines.some((line) => line.startsWith(`  ${name} `))).toBe(true);
  }
});

test('the commands of a group fit, too', () => {
  const group = COMMANDS.filter(({ name }) => name.startsWith('slurm '));
  expect(group.length).toBeGreaterThan(2);
  for (const line of groupHelp('slurm', group, 60).split('\n')) {
    expect(line.length).toBeLessThanOrEqual(60);
  }
});
