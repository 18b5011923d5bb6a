// What other people wrote reaches standard output and error in one way alone, where it is made harmless.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createBlock } from '../../src/cli/console/block.ts';
import { print } from '../../src/cli/console/print.ts';
import { createTerminal } from '../../src/cli/console/terminal.ts';
import { toned } from '../../src/cli/console/tone.ts';
import { alignColumns } from '../../src/util/columns.ts';

const HOSTILE = '\x1b]0;pwn\x07\x1b[31mred\rover\x9b2J';

function stream() {
  const written: string[] = [];
  const write = (text: string | Uint8Array) => written.push(String(text)) > 0;
  return { isTTY: true, columns: 200, rows: 20, write, written: () => written.join('') };
}

test('lines, drawn lines, blocks and tables pass nothing on that a terminal obeys', () => {
  const out = stream();
  const environment = { NO_COLOR: '1' };
  print(HOSTILE, out);
  const terminal = createTerminal(out, { environment });
  terminal.line(HOSTILE);
  terminal.draw(HOSTILE);
  terminal.clear();
  createBlock(terminal, out).draw([HOSTILE]);
  print(
    alignColumns([[HOSTILE, 'b\nc']], () => false),
    out,
  );
  // A drawn line begins with one that is the terminal's own.
  expect(out.written().replace(/\r( *\r)?/g, '')).not.toMatch(/(?!\n)\p{Cc}/u);
  expect(out.written().match(/\\x1b\[31mred\\x0dover\\x9b2J/g)).toHaveLength(5);
  expect(out.written()).toContain('b\\nc');
});

test('an error is red on a terminal, and only its colour is obeyed', () => {
  const shown = toned(HOSTILE, 'bad', stream(), {});
  expect(shown.startsWith('\x1b[31m\\x1b]0;pwn')).toBe(true);
  expect(shown.endsWith('\x1b[39m')).toBe(true);
  expect(shown.slice(5, -5)).not.toMatch(/\p{Cc}/u);
  expect(toned('x', 'bad', { ...stream(), isTTY: false }, {})).toBe('x');
});

test('no command writes in another way', () => {
  const root = path.join(import.meta.dirname, '..', '..', 'src');
  const folders = ['cli/commands', 'cli/session', 'cluster'];
  const found = folders.flatMap((folder) =>
    filesIn(path.join(root, folder)).filter((file) =>
      /console\.\w+\(|std(out|err)\.write/.test(readFileSync(file, 'utf8')),
    ),
  );
  expect(found).toEqual([]);
});

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.join(folder, name));
}
