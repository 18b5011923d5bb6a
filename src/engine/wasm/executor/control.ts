// The control words at the start of the shared region, and the barrier between phases.
//
// Work inside a phase is taken from one counter, so a slow core takes less of it. The thread that
// arrives last at the end of a phase does the phase's serial part (batch statistics: a few
// microseconds) while the others wait, then opens the next phase. Waiting is a short spin, because
// the others are usually nearly done, and then sleep.

import { BUFFER_ALIGNMENT as ALIGNMENT } from '../../plan.ts';

/** Word indices, each in a line of its own. */
const GENERATION = 0;
const NEXT_TASK = ALIGNMENT / 4;
const ARRIVED = (2 * ALIGNMENT) / 4;
const ABORTED = (3 * ALIGNMENT) / 4;
/** Float64 results: loss sum, top-1 count, top-5 count. */
const METRICS = 4 * ALIGNMENT;

export const CONTROL_BYTES = 5 * ALIGNMENT;

/**
 * Looks (of about 6 ns) before a thread goes to sleep: as long as being woken would take. Longer
 * would take time from whatever else the core has to do.
 */
const SPINS = 5000;

/** Thrown in the threads that wait when another one failed. */
export class AbortedError extends Error {}

export class Control {
  readonly metrics: Float64Array;
  private readonly words: Int32Array;

  constructor(buffer: ArrayBufferLike, address: number) {
    this.words = new Int32Array(buffer, address, METRICS / 4);
    this.metrics = new Float64Array(buffer, address + METRICS, 3);
  }

  /** The next task of this phase that nobody has taken. */
  takeTask(): number {
    return Atomics.add(this.words, NEXT_TASK, 1);
  }

  /**
   * Waits until all threads are here and the last one has let the others go.
   * @returns at once, with true, in the last one, which must call `release`
   */
  arrive(threads: number, spin: boolean): boolean {
    const { words } = this;
    const generation = Atomics.load(words, GENERATION);
    // After the generation was read: an abort that is not seen here will change it.
    this.throwIfAborted();
    if (Atomics.add(words, ARRIVED, 1) === threads - 1) return true;
    for (let i = spin ? SPINS : 0; i > 0; i--) {
      if (Atomics.load(words, GENERATION) !== generation) break;
    }
    while (Atomics.load(words, GENERATION) === generation) {
      Atomics.wait(words, GENERATION, generation);
    }
    this.throwIfAborted();
    return false;
  }

  /** Opens the next phase. */
  release(): void {
    Atomics.store(this.words, ARRIVED, 0);
    Atomics.store(this.words, NEXT_TASK, 0);
    this.open();
  }

  /** Releases every waiting thread with an error; the executable cannot be used again. */
  abort(): void {
    Atomics.store(this.words, ABORTED, 1);
    this.open();
  }

  private throwIfAborted(): void {
    if (Atomics.load(this.words, ABORTED) !== 0) throw new AbortedError();
  }

  private open(): void {
    Atomics.add(this.words, GENERATION, 1);
    Atomics.notify(this.words, GENERATION);
  }
}
