// Events that need sentences or many facts, kept out of the loop so that it stays readable.

import type { BatchMetrics } from '../engine/backend.ts';
import { parameterCount } from '../nn/parameters.ts';
import { formatLearningRate } from '../util/format.ts';
import type { NanEvent, Position, StartEvent, StepEvent } from './events.ts';
import { stepAverages } from './meters.ts';
import type { TrainerOptions } from './options.ts';
import { batchesInEpoch, type Plan } from './schedule.ts';
import type { Progress } from './state.ts';
import type { StepTimes } from './stopwatch.ts';

export function startEvent(options: TrainerOptions, plan: Plan, position: Position): StartEvent {
  const { config, dataset, network, backend, resume } = options;
  return {
    kind: 'start',
    config,
    parameters: parameterCount(network),
    trainImages: dataset.train.count,
    testImages: dataset.test.count,
    validationImages: dataset.validation?.count ?? 0,
    batchesPerEpoch: plan.batchesPerEpoch,
    epochs: plan.epochs,
    iterations: plan.iterations,
    backend: backend.description,
    position,
    resumed: resume !== undefined,
  };
}

/** @param progress the step included */
export function stepEvent(
  plan: Plan,
  progress: Progress,
  metrics: BatchMetrics,
  learningRate: number,
  times: StepTimes,
): StepEvent {
  const { epoch, iteration } = progress;
  return {
    kind: 'step',
    epoch,
    batch: progress.batch - 1,
    batches: batchesInEpoch(plan, epoch),
    iteration,
    count: metrics.count,
    ...stepAverages(metrics, progress.meter),
    learningRate,
    ...times,
    secondsLeft: (plan.iterations - iteration) * times.batchTimeAverage,
  };
}

export function nanEvent(facts: Omit<NanEvent, 'kind' | 'message'>): NanEvent {
  const { what, loss, epoch, batch, learningRate } = facts;
  const became = what === 'loss' ? `loss became ${loss}` : 'weights are no longer finite';
  const message = `Training diverged: the ${became} in epoch ${epoch + 1}, batch ${batch + 1}, at a learning rate of ${formatLearningRate(learningRate)}; try a smaller learning rate or a warm-up.`;
  return { kind: 'nan', message, ...facts };
}
