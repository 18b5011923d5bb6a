// The learning rate of every step, as a pure function of the configuration, the position and one
// small state that is saved with every checkpoint (so a resumed run neither warms up again nor
// forgets that it has not finished warming up). Also how many steps there are: the plan of a run.

import type { ScheduleConfig, TrainConfig } from './config.ts';
import type { Position } from './events.ts';

/** What the schedule remembers from step to step. */
export interface ScheduleState {
  /** False once a warm-up until an error has reached it; it never comes back. */
  readonly warmingUp: boolean;
  /**
   * Training error, averaged over about the last 50 batches; it begins at chance. The paper says
   * "until the training error is below 80%" and not how it measures that; one batch of 128 is too
   * noisy, and an average over the whole epoch lags behind by hundreds of steps.
   */
  readonly trainError: number;
}

/** Weight of the newest batch in `trainError`. */
const NEWEST = 1 / 50;

export function initialScheduleState(schedule: ScheduleConfig, classes: number): ScheduleState {
  return { warmingUp: schedule.warmup.kind === 'until-error', trainError: 1 - 1 / classes };
}

/**
 * The state after a batch.
 * @param error fraction of the batch that was classified wrongly, before the update
 */
export function advanceSchedule(
  schedule: ScheduleConfig,
  state: ScheduleState,
  error: number,
): ScheduleState {
  const { warmup } = schedule;
  if (warmup.kind !== 'until-error' || !state.warmingUp) return state;
  const trainError = state.trainError + NEWEST * (error - state.trainError);
  return { trainError, warmingUp: trainError >= warmup.trainError };
}

/**
 * The learning rate of the step at a position.
 * @param state what `advanceSchedule` made of the steps before it
 */
export function learningRateAt(
  config: Pick<TrainConfig, 'learningRate' | 'schedule'>,
  state: ScheduleState,
  position: Pick<Position, 'epoch' | 'iteration'>,
): number {
  const { schedule } = config;
  const done = schedule.unit === 'epochs' ? position.epoch : position.iteration;
  const drops = schedule.milestones.filter((milestone) => done >= milestone).length;
  return config.learningRate * schedule.gamma ** drops * warmupFactor(schedule, state, position);
}

function warmupFactor(
  { warmup }: ScheduleConfig,
  state: ScheduleState,
  position: Pick<Position, 'epoch'>,
): number {
  switch (warmup.kind) {
    case 'none':
      return 1;
    case 'epochs':
      return position.epoch < warmup.epochs ? warmup.factor : 1;
    case 'until-error':
      return state.warmingUp ? warmup.factor : 1;
    case 'whole-run':
      return warmup.factor;
    default:
      throw new Error(`unknown warm-up ${warmup satisfies never}`);
  }
}

/** How a run divides into epochs and batches. */
export interface Plan {
  readonly trainImages: number;
  /** Batches in a whole epoch, the smaller last one included (or `limitBatches`). */
  readonly batchesPerEpoch: number;
  /** Number of the epoch after the last one. */
  readonly epochs: number;
  /** Steps from epoch 0 to the end. */
  readonly iterations: number;
}

/** @param trainImages images that are trained on, validation images not among them */
export function planRun(
  config: Pick<TrainConfig, 'batchSize' | 'limitBatches' | 'schedule'>,
  trainImages: number,
): Plan {
  const all = Math.ceil(trainImages / config.batchSize);
  const batchesPerEpoch = config.limitBatches > 0 ? Math.min(all, config.limitBatches) : all;
  const { unit, length } = config.schedule;
  return {
    trainImages,
    batchesPerEpoch,
    epochs: unit === 'epochs' ? length : Math.ceil(length / batchesPerEpoch),
    iterations: unit === 'epochs' ? length * batchesPerEpoch : length,
  };
}

/** Batches in an epoch; the last one of a run that is counted in iterations may be shorter. */
export function batchesInEpoch(plan: Plan, epoch: number): number {
  return Math.min(plan.batchesPerEpoch, plan.iterations - epoch * plan.batchesPerEpoch);
}
