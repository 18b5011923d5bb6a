// `table6 data | head -3` closes our output early. That is the reader's right and no error: the
// default is to end quietly, and a command with something to save may save it first.

type Reaction = () => void;

const endQuietly: Reaction = () => process.exit(0);

let reaction = endQuietly;

export const brokenPipe = {
  /** Begins to watch standard output and error; once, at the start of the process. */
  watch(): void {
    for (const stream of [process.stdout, process.stderr]) {
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') reaction();
        else throw error;
      });
    }
  },
  /** Does this instead of ending; returns what restores ending. */
  react(instead: Reaction): () => void {
    reaction = instead;
    return () => {
      reaction = endQuietly;
    };
  },
};
