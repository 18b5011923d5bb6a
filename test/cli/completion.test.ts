// Completion scripts, asked as the shells ask them where these are installed.

import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { completionScript, SHELLS } from '../../src/cli/completion.ts';
import { lacks } from '../support/skip.ts';

const has = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;
const ARCHS = ['resnet20', 'resnet32', 'plain20'];

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'table6-completion-'));
  for (const shell of SHELLS) {
    await writeFile(path.join(folder, shell), await completionScript(shell, COMMANDS, ARCHS));
  }
  await writeFile(path.join(folder, 'weights.th'), '');
});
afterAll(() => rm(folder, { recursive: true }));

function shell(name: string, commands: string): string[] {
  const { stdout, stderr } = spawnSync(name, ['-c', commands], { cwd: folder, encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.trim().split('\n');
}

describe.skipIf(lacks(has('bash'), 'there is no bash'))('in bash', () => {
  const ask = (...words: string[]) =>
    shell(
      'bash',
      `source ./bash; COMP_WORDS=(table6 ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _table6; printf '%s\n' "\${COMPREPLY[@]}"`,
    );

  test.each([
    [['tr'], ['train']],
    [
      ['slurm', 's'],
      ['submit', 'status'],
    ],
    [['train', '--sched'], ['--schedule']],
    [['train', '--learn'], ['--learning-rate']],
    [['train', '--log', 'n'], ['notebook']],
    [['train', '--log', '=', 'tr'], ['trainer']],
    [
      ['train', '--log', '='],
      ['auto', 'plain', 'notebook', 'trainer'],
    ],
    [
      ['train', '--shortcut', ''],
      ['A', 'A-end', 'B'],
    ],
    [['train', '-j', ''], ['']],
    [
      ['train', 'res'],
      ['resnet20', 'resnet32'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    // Nothing of ours: bash goes on to file names.
    [['evaluate', 'wei'], ['']],
    [['train', '--save-dir', ''], ['']],
  ])('%j is %j', (words, expected) => expect(ask(...words)).toEqual(expected));

  test('knows every command and every option', () => {
    for (const [first] of COMMANDS.map(({ name }) => name.split(' '))) {
      expect(ask('')).toContain(first);
    }
  });
});

describe.skipIf(lacks(has('zsh'), 'there is no zsh'))('in zsh', () => {
  test('is a script that zsh reads', () => {
    shell('zsh', 'compdef() { :; }; source ./zsh; whence -w _table6');
  });
});

describe.skipIf(lacks(has('fish'), 'there is no fish'))('in fish', () => {
  const ask = (line: string) =>
    shell('fish', `source ./fish; complete -C '${line}'`).map((each) => each.split('\t')[0]);

  test.each([
    ['table6 tra', ['train']],
    ['table6 train --log n', ['notebook']],
    ['table6 train --log=tr', ['--log=trainer']],
    ['table6 slurm su', ['submit']],
    ['table6 train --sched', ['--schedule']],
    ['table6 completion z', ['zsh']],
  ])('%s is %j', (line, expected) => expect(ask(line)).toEqual(expected));
});

test('texts with quotes stay within theirs', async () => {
  for (const name of SHELLS) {
    const script = await completionScript(name, COMMANDS, ARCHS);
    expect(script).not.toMatch(/undefined|\[object/);
    expect(script).toContain(`Completion of table6 for ${name}`);
  }
});
