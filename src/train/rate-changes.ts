// Changes of the learning rate that someone makes while a run trains. Each is a factor on the
// schedule's rate from one step on and not a rate, so that warm-ups, drops and cycles keep their shape.
// The list is part of the configuration: a run that is resumed or repeated with it has the same bits.

import { UserError } from '../util/errors.ts';
import { RATE, type RateChange } from './schedule-schema.ts';

/** What the schedule's rate is multiplied by in a step: the latest change's factor, 1 before the first. */
export function rateFactorAt(changes: readonly RateChange[], iteration: number): number {
  return changes.findLast((change) => change.iteration <= iteration)?.factor ?? 1;
}

/** A running trainer's list: grows at the first step that has not begun, and is told step by step. */
export class RateChanges {
  private changes: readonly RateChange[];
  /** The first step that has not begun. */
  private next: number;
  /** Changes whose first step is done. */
  private told: number;

  /** @param iteration steps done before this session */
  constructor(changes: readonly RateChange[], iteration: number) {
    this.changes = changes;
    this.next = iteration;
    this.told = changes.filter((change) => change.iteration < iteration).length;
  }

  /** A step has begun, so its rate is decided. */
  begin(iteration: number): void {
    this.next = Math.max(this.next, iteration + 1);
  }

  /**
   * Multiplies the rate from the next step on.
   * @returns the whole list; what was planned for later steps is replaced
   * @throws UserError for a factor that is no positive number
   */
  add(factor: number): RateChange[] {
    if (!(factor > 0 && factor <= RATE.maximum)) {
      throw new UserError(
        `The learning rate can be multiplied by a positive number up to ${RATE.maximum}, not by ${factor}.`,
      );
    }
    const before = this.changes.filter(({ iteration }) => iteration < this.next);
    const isNew = rateFactorAt(before, this.next) !== factor;
    const changes = isNew ? [...before, { iteration: this.next, factor }] : before;
    this.changes = changes;
    return changes;
  }

  /** The changes that have come to hold with the step that is done. */
  news(iteration: number): readonly RateChange[] {
    const first = this.told;
    while ((this.changes[this.told]?.iteration ?? Infinity) <= iteration) this.told++;
    return this.changes.slice(first, this.told);
  }
}
