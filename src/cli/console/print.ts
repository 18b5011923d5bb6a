// The only way of text to standard output and error. Whatever is printed may have words of a file or of a
// folder in it, so nothing that a terminal would obey gets through (util/foreign-text.ts); colours are
// added behind that (tone.ts). A test finds other ways.

import { jsonText, terminalText } from '../../util/foreign-text.ts';

type Stream = Pick<NodeJS.WriteStream, 'write'>;

/** A text and the end of its line, on standard output. */
export function print(text: string, stream: Stream = process.stdout): void {
  stream.write(`${terminalText(text)}\n`);
}

/** What is said beside a result, on standard error. */
export function printBeside(text: string): void {
  print(text, process.stderr);
}

/** One value in one line; compact, so that a line is a record and `grep '"wrong":85'` finds it. */
export function printJson(value: unknown): void {
  process.stdout.write(`${jsonText(value)}\n`);
}
