// The learning rate of every step, as a pure function of the configuration, the position, the plan of
// the run (how many steps there are, also made here) and one small state that is saved with every
// checkpoint, so that a resumed run neither warms up again nor forgets that it has not finished
// warming up.

import * as z from 'zod/mini';
import type { ScheduleConfig, TrainConfig, WarmupConfig } from './config.ts';
import type { Position } from './events.ts';
import { rateFactorAt } from './rate-changes.ts';

/** What the schedule remembers from step to step. */
export const scheduleStateSchema = z.strictObject({
  /** False once a warm-up until an error has reached it; it never comes back. */
  warmingUp: z.boolean(),
  /**
   * Training error, averaged over about the last 50 batches; it begins at chance. The paper says
   * "until the training error is below 80%" and not how it measures that; one batch of 128 is too
   * noisy, and an average over the whole epoch lags behind by hundreds of steps.
   */
  trainError: z.number(),
});

export type ScheduleState = Readonly<z.infer<typeof scheduleStateSchema>>;

/** Weight of the newest batch in `trainError`. */
const NEWEST = 1 / 50;

export function initialScheduleState(schedule: ScheduleConfig, classes: number): ScheduleState {
  return {
    warmingUp: 'warmup' in schedule && schedule.warmup.kind === 'until-error',
    trainError: 1 - 1 / classes,
  };
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
  if (!('warmup' in schedule) || !state.warmingUp) return state;
  const { warmup } = schedule;
  if (warmup.kind !== 'until-error') return state;
  const trainError = state.trainError + NEWEST * (error - state.trainError);
  return { trainError, warmingUp: trainError >= warmup.trainError };
}

/**
 * The learning rate of the step at a position.
 * @param state what `advanceSchedule` made of the steps before it
 * @param plan of the whole run
 */
export function learningRateAt(
  config: Pick<TrainConfig, 'learningRate' | 'schedule' | 'rateChanges'>,
  state: ScheduleState,
  position: Pick<Position, 'epoch' | 'iteration'>,
  plan: Pick<Plan, 'iterations'>,
): number {
  const { schedule } = config;
  const learningRate = config.learningRate * rateFactorAt(config.rateChanges, position.iteration);
  switch (schedule.kind) {
    case 'steps':
      return stepsRate(learningRate, schedule, state, position);
    case 'cosine': {
      const factor = cosineFactor(position.iteration, plan.iterations);
      return learningRate * factor * warmupFactor(schedule.warmup, state, position);
    }
    case 'one-cycle':
      return learningRate * oneCycleFactor(schedule.rise, position.iteration, plan.iterations);
    default:
      throw new Error(`unknown schedule ${schedule satisfies never}`);
  }
}

function stepsRate(
  learningRate: number,
  { unit, milestones, gamma, warmup }: Extract<ScheduleConfig, { kind: 'steps' }>,
  state: ScheduleState,
  position: Pick<Position, 'epoch' | 'iteration'>,
): number {
  const done = unit === 'epochs' ? position.epoch : position.iteration;
  const drops = milestones.filter((milestone) => done >= milestone).length;
  return learningRate * gamma ** drops * warmupFactor(warmup, state, position);
}

function warmupFactor(
  warmup: WarmupConfig,
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

/** 1 at the first step, almost 0 at the last: PyTorch's CosineAnnealingLR, moved at every step. */
function cosineFactor(iteration: number, iterations: number): number {
  return (1 + Math.cos((Math.PI * iteration) / iterations)) / 2;
}

/**
 * A triangle: zero just before the first step and just after the last (a step at a rate of zero
 * would be lost), 1 at the last step of the rise. It moves at every step, not at every epoch: in a
 * run of a few epochs a staircase would have few stairs. Straight lines down to zero, because they
 * did as well as or better than cosines in Defazio et al., "When, why and how much?" (2023).
 */
function oneCycleFactor(rise: number, iteration: number, iterations: number): number {
  const peak = Math.max(1, Math.round(rise * iterations));
  const step = iteration + 1;
  return step <= peak ? step / peak : (iterations + 1 - step) / (iterations + 1 - peak);
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
