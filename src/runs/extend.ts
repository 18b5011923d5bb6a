// A run that goes on for more epochs than it was begun with. Only where that makes the run that it would
// have been with this length from the beginning: where the rate drops after certain epochs. A curve that
// ends with the run would have been another one from the first step on.

import type { TrainConfig } from '../train/config.ts';
import { UserError } from '../util/errors.ts';

/**
 * The configuration with another length.
 * @param done epochs that are trained
 * @throws UserError where the schedule does not allow it
 */
export function withEpochs(config: TrainConfig, epochs: number, done: number): TrainConfig {
  const { schedule } = config;
  if (schedule.unit === 'epochs' && schedule.length === epochs) return config;
  if (schedule.unit !== 'epochs') {
    throw refused(
      `The run is ${schedule.length} iterations long, which is its recipe's length, and no number of epochs: begin another run.`,
    );
  }
  if (schedule.kind !== 'steps') {
    throw refused(
      `The rate of the run falls along a ${schedule.kind === 'cosine' ? 'cosine' : 'cycle'} that ends after ${schedule.length} epochs, so with ${epochs} it would have been another one from the first step on: begin another run, or one with this run's weights.`,
    );
  }
  if (epochs < done || epochs < 1) {
    throw refused(`The run has done ${done} epochs already, so it cannot end after ${epochs}.`);
  }
  return { ...config, schedule: { ...schedule, length: epochs } };
}

/** What another length means, for people. */
export function lengthNotice(before: TrainConfig, after: TrainConfig): string {
  const { schedule } = after;
  const drops = schedule.kind === 'steps' ? schedule.milestones : [];
  const where = drops.length === 0 ? 'It has no drops' : `Its drops stay after ${drops.join(', ')}`;
  return `The run has ${schedule.length} epochs now, and had ${before.schedule.length}. ${where}, so it is the run that it would have been with this length from the beginning, to the bit.`;
}

/** Whether a checkpoint is that of a longer run than config.json says, and nothing else differs. */
export function isLonger(trained: TrainConfig, written: TrainConfig): boolean {
  const { length } = trained.schedule;
  const lengthened = { ...written, schedule: { ...written.schedule, length } };
  return (
    length !== written.schedule.length &&
    JSON.stringify(lengthened.schedule) === JSON.stringify(trained.schedule)
  );
}

function refused(message: string): UserError {
  return new UserError(message, { exitCode: 2 });
}
