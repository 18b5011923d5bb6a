// What a step is made of for the threads that run it.
//
// A *stage* is one operation's work on a fixed block of images. A *phase* is what may run between
// two barriers: stages that follow each other on the same block, small *extras* (weights of the next
// phase, weight gradients of the last one), and a serial end. Blocks are a function of the batch size
// and never of the number of threads, and every sum is taken per block and combined in the order of
// blocks, so results have the same bits for any number of threads.

/** Work on images `first` to `end` (exclusive), which are block number `block`. */
export type BlockRun = (first: number, end: number, block: number) => void;

export interface Stage {
  /** Index of the operation in the program's body or setup, for timing. */
  readonly operation: number;
  readonly run: BlockRun;
}

/** Tasks that may run in any order. */
export interface Tasks {
  /** How many tasks there are for a batch of `count` images. */
  readonly tasks: (count: number) => number;
  readonly run: (task: number, count: number) => void;
}

/** Tasks that run beside the blocks of a phase. */
export interface Extra extends Tasks {
  readonly operation: number;
}

/** Run by one thread after all tasks of the phase. */
export interface Serial {
  readonly operation: number;
  readonly run: (count: number) => void;
}

export interface Phase {
  /** Images in a block; 0 when the phase has only extras. */
  readonly blockImages: number;
  readonly stages: Stage[];
  readonly extras: Extra[];
  readonly serial: Serial[];
}

/** What one operation contributes; the scheduler puts the parts into phases. */
export interface Contribution {
  /** Work on blocks of `blockImages` images. */
  readonly run?: BlockRun;
  readonly blockImages?: number;
  /** Must be complete before `run` begins; reads parameters only. */
  readonly before?: Tasks;
  /** After `run` is complete, at the latest before the parameters change. */
  readonly after?: Tasks;
  /** A phase of their own, after all that came before, `after` included. */
  readonly alone?: Tasks;
  /** After `run`, or else what came before, is complete on all blocks and before the next phase. */
  readonly serial?: (count: number) => void;
  /** The next operation needs nothing of `serial`, so it may follow on the same block. */
  readonly serialIsLast?: boolean;
}
