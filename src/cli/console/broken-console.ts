// A console that cannot be written to any more. `table6 data | head -3` closes our output early, and a
// terminal may be closed: whoever read has gone, which is their right and no error. The default is to
// end quietly; a command with something to save saves it first. A disk that is full under `> log.txt` is
// an error, but never a reason to lose a run.

import { systemError } from '../../util/system-errors.ts';

export interface ConsoleReaction {
  /** Nobody reads any more. */
  gone(): void;
  /** What was written is lost, such as on a full disk. */
  failed(error: Error): void;
}

/** A pipe without a reader, a terminal that was closed. */
const GONE = new Set([
  ...['EPIPE', 'EIO', 'ENXIO', 'EBADF', 'ENOTCONN', 'ECONNRESET'],
  'ERR_STREAM_DESTROYED',
]);

const endOfProcess: ConsoleReaction = {
  gone: () => process.exit(0),
  failed(error) {
    const sentence = systemError(error, { path: 'the standard output', doing: 'write' });
    process.stderr.write(`${sentence?.message ?? error.message}\n`);
    process.exit(1);
  },
};

let reaction = endOfProcess;

export const brokenConsole = {
  /** Begins to watch standard output and error; once, at the start of the process. */
  watch(): void {
    let isBroken = false;
    for (const stream of [process.stdout, process.stderr]) {
      stream.on('error', (error: NodeJS.ErrnoException) => {
        // One reaction is enough: every later line fails as well.
        if (isBroken) return;
        isBroken = true;
        if (GONE.has(error.code ?? '')) reaction.gone();
        else reaction.failed(error);
      });
    }
  },
  /** Does this instead of ending; returns what restores ending. */
  react(instead: ConsoleReaction): () => void {
    reaction = instead;
    return () => {
      reaction = endOfProcess;
    };
  },
};
