// What training says while it runs. The loop yields these and knows none of their readers: the
// console, metrics.jsonl and a page each take what they need. All are plain data (they survive
// JSON and postMessage). Epochs and batches count from 0, except in sentences for people, which count
// from 1; errors and accuracies are fractions in [0, 1]; losses are mean cross-entropies (natural
// logarithm); times are seconds.

import type { TrainConfig } from './config.ts';
import type { BatchResult, SplitErrors } from './meters.ts';
import type { RunResult } from './result.ts';
import type { StepTimes } from './stopwatch.ts';

/** Where a run is: the next thing it will do is batch `batch` of epoch `epoch`. */
export interface Position {
  readonly epoch: number;
  readonly batch: number;
  /** Steps done since the beginning of the schedule. */
  readonly iteration: number;
}

export interface StartEvent {
  readonly kind: 'start';
  readonly config: TrainConfig;
  /** Trained parameters of the network. */
  readonly parameters: number;
  readonly trainImages: number;
  readonly testImages: number;
  readonly validationImages: number;
  readonly batchesPerEpoch: number;
  /** Number of the epoch after the last one. */
  readonly epochs: number;
  /** Steps in the whole run. */
  readonly iterations: number;
  /** One line about the backend. */
  readonly backend: string;
  readonly position: Position;
  readonly resumed: boolean;
  /** A sentence that people should see, such as that this session computes with other roundings. */
  readonly notice?: string;
}

export interface StepEvent extends BatchResult, StepTimes {
  readonly kind: 'step';
  readonly epoch: number;
  /** The batch just done. */
  readonly batch: number;
  /** Batches in this epoch. */
  readonly batches: number;
  /** Steps done, this one included. */
  readonly iteration: number;
  readonly learningRate: number;
  /** Training time left, evaluations not counted. */
  readonly secondsLeft: number;
}

/** The first step with a rate that someone changed is done; its `step` follows. */
export interface RateEvent {
  readonly kind: 'rate';
  readonly epoch: number;
  /** The batch of that step. */
  readonly batch: number;
  /** Steps done before it. */
  readonly iteration: number;
  /** What the schedule's rate is multiplied by from it on. */
  readonly factor: number;
  /** Of that step. */
  readonly learningRate: number;
}

export interface EpochEndEvent {
  readonly kind: 'epoch-end';
  readonly epoch: number;
  readonly epochs: number;
  readonly iteration: number;
  /** Rate of the epoch's last step. */
  readonly learningRate: number;
  /** Running averages over changing weights (see `BatchResult`). */
  readonly trainLoss: number;
  readonly trainTop1: number;
  readonly trainTop5: number;
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

export type EvaluatedSplit = 'train' | 'validation' | 'test';

/** While an evaluation runs, so that a long one shows life. */
export interface EvaluationProgressEvent extends BatchResult {
  readonly kind: 'evaluation-progress';
  readonly split: EvaluatedSplit;
  readonly epoch: number;
  readonly batch: number;
  readonly batches: number;
  readonly batchTime: number;
  readonly batchTimeAverage: number;
}

export interface EvaluationEvent extends SplitErrors {
  readonly kind: 'evaluation';
  readonly split: EvaluatedSplit;
  readonly epoch: number;
  readonly seconds: number;
  /** Whether no earlier epoch of this run had a lower error on this split. */
  readonly isBest: boolean;
  /** The lowest error of this run on this split so far, this one included. */
  readonly bestError: number;
  readonly bestEpoch: number;
}

export type CheckpointReason =
  /** The end of every epoch. */
  | 'epoch'
  /** Every `saveEvery` epochs; kept. */
  | 'periodic'
  /** Lowest error so far, on validation where there is such a split, else on test. */
  | 'best'
  /** `checkpointSeconds` or `checkpointSteps`. */
  | 'timer'
  /** Someone asked for it, or changed the learning rate. */
  | 'asked'
  /** Someone asked to stop. */
  | 'interrupted'
  /** The run is complete. */
  | 'final';

/**
 * The state is worth saving now, for these reasons. The loop yields it before anything is written;
 * readers of a run folder's stream get it afterwards, with the paths.
 */
export interface CheckpointEvent {
  readonly kind: 'checkpoint';
  readonly reasons: readonly CheckpointReason[];
  readonly position: Position;
  /** Files written, set by the run folder. */
  readonly paths?: readonly string[];
}

/** The loss or the weights are no longer numbers; nothing was saved since, training stops. */
export interface NanEvent {
  readonly kind: 'nan';
  readonly epoch: number;
  readonly batch: number;
  readonly what: 'loss' | 'weights';
  readonly loss: number;
  readonly learningRate: number;
  /** One sentence for people: what happened and what to try. */
  readonly message: string;
}

/** Training stopped because it was asked to; `position` is where it goes on. */
export interface InterruptedEvent {
  readonly kind: 'interrupted';
  readonly position: Position;
  /** One sentence that says how to go on, set by the run folder. */
  readonly message?: string;
}

/** Always the last event. */
export interface EndEvent {
  readonly kind: 'end';
  readonly outcome: 'complete' | 'interrupted' | 'nan';
  readonly position: Position;
  readonly result: RunResult;
  /** Training time of all sessions, evaluations included. */
  readonly seconds: number;
  /** A sentence about what could not be written of a run whose weights are saved, set by the run folder. */
  readonly notice?: string;
}

export type TrainEvent =
  | StartEvent
  | StepEvent
  | RateEvent
  | EpochEndEvent
  | EvaluationProgressEvent
  | EvaluationEvent
  | CheckpointEvent
  | NanEvent
  | InterruptedEvent
  | EndEvent;

/** Something that follows a training: a console, a file, a page. */
export interface TrainReader {
  handle(event: TrainEvent): void;
}
