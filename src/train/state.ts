// Everything that training goes on from: with the data set and the program's version, a state
// decides every later bit. It is taken between two steps, written by `runs/checkpoint.ts`, and
// small beside the weights: all random numbers are functions of (seed, epoch, index), so the
// position is the generator's state.

import * as z from 'zod/mini';
import type { Normalization } from '../data/normalization.ts';
import type { BatchMetrics, ExecutableState } from '../engine/backend.ts';
import type { NamedTensors } from '../util/tensor.ts';
import type { TrainConfig } from './config.ts';
import { addToMeter, EMPTY_METER, meterSchema } from './meters.ts';
import { runResultSchema } from './result.ts';
import {
  advanceSchedule,
  initialScheduleState,
  type Plan,
  scheduleStateSchema,
} from './schedule.ts';

export const progressSchema = z.strictObject({
  /** The next step is batch `batch` of epoch `epoch`; `batch` may be one past the epoch's last. */
  epoch: z.int().check(z.minimum(0)),
  batch: z.int().check(z.minimum(0)),
  iteration: z.int().check(z.minimum(0)),
  /** Of the running epoch. */
  meter: meterSchema,
  schedule: scheduleStateSchema,
  /** Best and latest errors of this run; they begin empty in every run. */
  result: runResultSchema,
  /** Time that all sessions trained. */
  seconds: z.number().check(z.minimum(0)),
});

export type Progress = Readonly<z.infer<typeof progressSchema>>;

/** Where every run begins: nothing of an earlier run, such as its best error, is in it. */
export function initialProgress(config: TrainConfig, plan: Plan): Progress {
  return {
    epoch: config.startEpoch,
    batch: 0,
    iteration: config.startEpoch * plan.batchesPerEpoch,
    meter: EMPTY_METER,
    schedule: initialScheduleState(config.schedule, config.classes),
    result: {},
    seconds: 0,
  };
}

/**
 * Counts a step that was done.
 * @param seconds it took
 */
export function advanceProgress(
  config: Pick<TrainConfig, 'schedule'>,
  progress: Progress,
  metrics: BatchMetrics,
  seconds: number,
): Progress {
  const error = 1 - metrics.correctTop1 / metrics.count;
  return {
    ...progress,
    batch: progress.batch + 1,
    iteration: progress.iteration + 1,
    meter: addToMeter(progress.meter, metrics),
    schedule: advanceSchedule(config.schedule, progress.schedule, error),
    seconds: progress.seconds + seconds,
  };
}

/** See `ExecutableState`. */
const executableStateSchema = z.strictObject({
  adapter: z.optional(z.string()),
  tiles: z.optional(z.record(z.string(), z.string())),
  lossScale: z.optional(
    z.strictObject({
      scale: z.number().check(z.positive()),
      goodSteps: z.int().check(z.minimum(0)),
    }),
  ),
}) satisfies z.ZodMiniType<ExecutableState>;

/** Of the program that trains, and of the one that evaluates. */
export const executableStatesSchema = z.strictObject({
  train: z.optional(executableStateSchema),
  infer: z.optional(executableStateSchema),
});

export type ExecutableStates = Readonly<z.infer<typeof executableStatesSchema>>;

export interface TrainingState {
  readonly config: TrainConfig;
  /** Class names, in the order of the logits. */
  readonly classes: readonly string[];
  /** Belongs to the weights: they are of no use without it. */
  readonly normalization: Normalization;
  /** Parameters and running statistics, by PyTorch name. */
  readonly weights: NamedTensors;
  /** SGD's momentum buffers, by parameter name. */
  readonly momentum: NamedTensors;
  /** What the executables hold beside weights; absent where they hold nothing. */
  readonly executables?: ExecutableStates;
  readonly progress: Progress;
}

/** Whether every weight and momentum is a number; a diverged state must not replace a sound one. */
export function isFiniteState(state: Pick<TrainingState, 'weights' | 'momentum'>): boolean {
  return [...state.weights.values(), ...state.momentum.values()].every(({ data }) =>
    data.every(Number.isFinite),
  );
}
