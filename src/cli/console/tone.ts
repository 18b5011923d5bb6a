// Colours. They are put around a text after everything in it that a terminal would obey was written out.

import picocolors from 'picocolors';
import { terminalText } from '../../util/foreign-text.ts';

/** How a text looks where there are colours. */
export type Tone = 'bad' | 'plain';

/** Coloured where a terminal shows colours and nobody has asked for none. */
export function toned(
  text: string,
  tone: Tone,
  stream: Pick<NodeJS.WriteStream, 'isTTY'>,
  environment: NodeJS.ProcessEnv = process.env,
): string {
  const plain = terminalText(text);
  const colored = stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb';
  return tone === 'bad' ? picocolors.createColors(colored).red(plain) : plain;
}
