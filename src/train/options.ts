// What a trainer is given: the resolved configuration, and everything that it names already opened.

import type { Dataset } from '../data/dataset.ts';
import type { Normalization } from '../data/normalization.ts';
import type { Backend } from '../engine/backend.ts';
import type { Network } from '../nn/network.ts';
import type { NamedTensors } from '../util/tensor.ts';
import type { TrainConfig } from './config.ts';
import type { TrainingState } from './state.ts';

/** What is asked of training while it runs. */
export interface StopRequest {
  /** Set it and training stops after the steps that are running. */
  requested: boolean;
  /** Set it and the state is saved after the steps that are running; training takes it back. */
  save?: boolean;
  /** While it is set, no step begins before the reader has asked for what follows the last. */
  single?: boolean;
}

export interface TrainerOptions {
  readonly config: TrainConfig;
  /** With its validation split taken out of the training images, where there is one. */
  readonly dataset: Dataset;
  readonly normalization: Normalization;
  readonly network: Network;
  readonly backend: Backend;
  readonly stop?: StopRequest;
  /** Goes on from here instead of beginning. */
  readonly resume?: TrainingState;
  /** Weights to begin with instead of random ones. */
  readonly initialWeights?: NamedTensors;
}
