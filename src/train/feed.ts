// How a split gets through an executable. Batches are gathered while the device works, several steps
// are in flight where the device gains by it, and their metrics come back one after the other, in
// order. Where the device holds the images, a batch only names them. Neither changes a bit of what is
// computed: steps run in the order in which they were submitted.

import {
  createBatch,
  createSelection,
  type Movement,
  makeBatch,
  selectImages,
} from '../data/batches.ts';
import type { Split } from '../data/dataset.ts';
import type { BatchMetrics, Executable, HeldImages, SgdSettings } from '../engine/backend.ts';

/**
 * Seconds of work that are kept in flight. More steps than that gain nothing, and whoever stops
 * training waits for all of them.
 */
const SECONDS_IN_FLIGHT = 2;

export interface FeedOptions {
  /** Order of the split's images, see `epochOrder`. */
  readonly order: Uint32Array;
  /** The first batch, and the one after the last. */
  readonly first: number;
  readonly end: number;
  /** Without it images stay unmoved. */
  readonly movement?: Movement;
  /** SGD's numbers for a batch, asked for when it is submitted; without it weights stay. */
  readonly sgd?: (batch: number) => SgdSettings;
  /**
   * At most so many steps in flight, asked for before each; with 0 nothing more is submitted, and
   * the feed ends when what was submitted is done.
   */
  readonly most?: () => number;
}

/** A batch that is done. */
export interface FedBatch {
  readonly batch: number;
  readonly metrics: BatchMetrics;
  /** Time it took to gather it. */
  readonly dataSeconds: number;
}

/** Memory of one batch, and how it reaches the device. */
interface Slot {
  gather(start: number, options: FeedOptions): void;
  submit(sgd?: SgdSettings): Promise<BatchMetrics>;
}

interface Gathered {
  readonly slot: Slot;
  readonly dataSeconds: number;
}

interface Step extends Gathered {
  readonly batch: number;
  readonly running: Promise<BatchMetrics>;
}

export class Feed {
  private readonly executable: Executable;
  readonly split: Split;
  private readonly held: HeldImages | undefined;
  /** Submitted, oldest first. */
  private readonly steps: Step[] = [];
  private readonly spare: Slot[] = [];
  /** Of the last step; unknown at first, so that a slow device gets one step and not several. */
  private stepSeconds = Infinity;
  private readonly now: () => number;

  /**
   * @param held the split's images on the device; without them each batch brings its bytes
   * @param now milliseconds
   */
  constructor(
    executable: Executable,
    split: Split,
    held?: HeldImages,
    now: () => number = () => performance.now(),
  ) {
    this.executable = executable;
    this.split = split;
    this.held = held;
    this.now = now;
  }

  /** A feed for a split that is used again and again: its images go to the device if it has room. */
  static async holding(executable: Executable, split: Split): Promise<Feed> {
    return new Feed(executable, split, await executable.hold?.(split.images));
  }

  /** Largest number of images in a batch. */
  get batchSize(): number {
    return this.executable.program.batchSize;
  }

  /** The metrics of what is in flight, oldest first. */
  get pending(): Promise<BatchMetrics>[] {
    return this.steps.map(({ running }) => running);
  }

  /** Runs batches, one run at a time. A run that is left early waits for what is in flight. */
  async *run(options: FeedOptions): AsyncGenerator<FedBatch> {
    const { first, end, most = () => Infinity } = options;
    let next = first;
    let gathered = next < end ? this.gather(next, options) : undefined;
    let then = this.now();
    try {
      for (;;) {
        while (gathered && this.steps.length < Math.min(most(), this.mostUseful())) {
          this.steps.push(this.submit(gathered, next, options));
          next++;
          gathered = next < end ? this.gather(next, options) : undefined;
        }
        const [step] = this.steps;
        if (!step) return;
        const { batch, dataSeconds, running, slot } = step;
        const metrics = await running;
        this.steps.shift();
        this.spare.push(slot);
        const now = this.now();
        this.stepSeconds = (now - then) / 1000;
        then = now;
        yield { batch, metrics, dataSeconds };
      }
    } finally {
      await Promise.allSettled(this.pending);
      this.spare.push(...this.steps.splice(0).map(({ slot }) => slot));
      if (gathered) this.spare.push(gathered.slot);
    }
  }

  /** Frees the images on the device. */
  async dispose(): Promise<void> {
    await this.held?.dispose();
  }

  private mostUseful(): number {
    const { stepsInFlight = 1 } = this.executable;
    return Math.min(stepsInFlight, 1 + Math.floor(SECONDS_IN_FLIGHT / this.stepSeconds));
  }

  private gather(batch: number, options: FeedOptions): Gathered {
    const slot = this.spare.pop() ?? this.createSlot();
    const begin = this.now();
    slot.gather(batch * this.batchSize, options);
    return { slot, dataSeconds: (this.now() - begin) / 1000 };
  }

  private submit({ slot, dataSeconds }: Gathered, batch: number, options: FeedOptions): Step {
    const running = slot.submit(options.sgd?.(batch));
    // A failure is told where its step is awaited, which may be never, after an earlier one.
    running.catch(() => {});
    return { batch, dataSeconds, slot, running };
  }

  private createSlot(): Slot {
    const { executable, split, held, batchSize: size } = this;
    if (held) {
      const selection = createSelection(size);
      return {
        gather: (start, { order, movement }) =>
          selectImages(split, order, start, size, selection, movement),
        submit: (sgd) => held.run({ ...selection, sgd }),
      };
    }
    const batch = createBatch(size);
    return {
      gather: (start, { order, movement }) => makeBatch(split, order, start, size, batch, movement),
      submit: (sgd) => executable.run({ ...batch, sgd }),
    };
  }
}
