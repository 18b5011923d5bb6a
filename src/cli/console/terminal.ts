// Where lines go. On a terminal one line can be drawn again and again (a progress bar), with `\r`
// and spaces rather than escape codes, so it behaves under NO_COLOR and on old consoles; elsewhere
// only whole lines are written. Readers of training events know nothing beyond this interface.

import { lineText } from '../../util/foreign-text.ts';
import { type Tone, toned } from './tone.ts';

export interface Terminal {
  /** Whether a line can be drawn over. */
  readonly interactive: boolean;
  /** Width that a drawn line may have. */
  width(): number;
  /** Writes a line; a drawn one makes room. What a terminal would obey is written out. */
  line(text?: string, tone?: Tone): void;
  /** Draws over the last drawn line; cut to the width. Does nothing where lines cannot be drawn. */
  draw(text: string): void;
  /** Removes the drawn line. */
  clear(): void;
}

type Output = Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'>;

/**
 * @param options.label stands before every line, such as `[synthetic]`
 */
export function createTerminal(
  stream: Output = process.stdout,
  options: { label?: string; environment?: NodeJS.ProcessEnv } = {},
): Terminal {
  const environment = options.environment ?? process.env;
  const interactive = stream.isTTY === true && environment.TERM !== 'dumb' && !environment.CI;
  const label = options.label === undefined ? '' : `${options.label} `;
  let drawn = 0;
  const width = () => Math.max(20, (stream.columns || 80) - 1);
  const clear = () => {
    if (drawn > 0) stream.write(`\r${' '.repeat(drawn)}\r`);
    drawn = 0;
  };
  return {
    interactive,
    width: () => width() - label.length,
    line(text = '', tone = 'plain') {
      clear();
      for (const part of text.split('\n')) {
        stream.write(`${toned(`${label}${part}`.trimEnd(), tone, stream, environment)}\n`);
      }
    },
    draw(text) {
      if (!interactive) return;
      const shown = lineText(`${label}${text}`).slice(0, width());
      stream.write(`\r${shown.padEnd(drawn)}`);
      drawn = shown.length;
    },
    clear,
  };
}
