// How a step divides into submissions. A GPU that works on one for longer than a tenth of a second draws
// no screen meanwhile, and Windows kills one of two seconds; so long steps go in parts, each short enough
// by the rate that was seen so far. Kernels run in the same order either way, so no bit depends on it.

import type { Kernel } from './kernel.ts';

/** Milliseconds that one submission should take at most; what is estimated can be wrong by half. */
const MOST_MILLISECONDS = 60;
/** Multiply-adds a millisecond before anything is measured: a slow integrated GPU's. */
const FIRST_RATE = 3e7;
/** What a dispatch costs beside its multiply-adds, as multiply-adds. */
const DISPATCH_WORK = 1e5;
/** Weight of the newest step in the rate. */
const NEWEST = 0.2;

interface Work {
  readonly kernel: Pick<Kernel, 'multiplyAddsPerImage'>;
}

export class Submissions {
  /** Multiply-adds a millisecond. */
  private rate = FIRST_RATE;
  private finished = 0;
  private readonly now: () => number;

  /** @param now milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.now = now;
  }

  /** The kernels of a batch in their order, in one part or several; each has at least one kernel. */
  divide<K extends Work>(kernels: readonly K[], count: number): K[][] {
    const most = this.rate * MOST_MILLISECONDS;
    const parts: K[][] = [];
    let filled = Infinity;
    for (const each of kernels) {
      const work = workOf(each, count);
      if (filled + work > most) {
        parts.push([]);
        filled = 0;
      }
      parts.at(-1)!.push(each);
      filled += work;
    }
    return parts;
  }

  /** A batch begins. @returns to be called when its results are there */
  begin(kernels: readonly Work[], count: number): () => void {
    const submitted = this.now();
    return () => {
      const now = this.now();
      // A device that had an earlier batch to finish began after that one.
      const milliseconds = now - Math.max(submitted, this.finished);
      this.finished = now;
      const work = kernels.reduce((sum, each) => sum + workOf(each, count), 0);
      const rate = work / Math.max(milliseconds, 0.01);
      // A slower step counts at once, a faster one little by little: being late costs a picture.
      this.rate = rate < this.rate ? rate : this.rate + NEWEST * (rate - this.rate);
    };
  }
}

function workOf({ kernel }: Work, count: number): number {
  return kernel.multiplyAddsPerImage * count + DISPATCH_WORK;
}
