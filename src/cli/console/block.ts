// Several lines that are drawn again and again, for many runs at once. Unlike the one drawn line of a
// terminal this needs two escape codes (cursor up, erase below), so it is only drawn where a line can
// be drawn over; elsewhere nothing happens, and whoever uses it writes plain lines.

import { lineText } from '../../util/foreign-text.ts';
import type { Terminal } from './terminal.ts';

export interface Block {
  /** Lines that fit. */
  height(): number;
  /** Replaces what was drawn; lines are cut to the width, and those beyond the height left out. */
  draw(lines: readonly string[]): void;
  /** Writes a line that stays, above the block. */
  line(text: string): void;
  /** Removes the block. */
  clear(): void;
}

export function createBlock(
  terminal: Terminal,
  stream: Pick<NodeJS.WriteStream, 'write' | 'rows'> = process.stdout,
): Block {
  let shown: readonly string[] = [];
  const clear = () => {
    if (shown.length > 0) stream.write(`\x1b[${shown.length}A\x1b[0J`);
    shown = [];
  };
  const height = () => Math.max(2, (stream.rows || 24) - 1);
  const draw = (lines: readonly string[]) => {
    if (!terminal.interactive) return;
    clear();
    const width = terminal.width();
    shown = lines.slice(0, height()).map((line) => lineText(line).slice(0, width));
    stream.write(shown.map((line) => `${line}\n`).join(''));
  };
  return {
    height,
    draw,
    line(text) {
      const before = shown;
      clear();
      terminal.line(text);
      if (before.length > 0) draw(before);
    },
    clear,
  };
}
