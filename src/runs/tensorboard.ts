// Training as TensorBoard shows it: a reader of the stream of events. Curves as in metrics.jsonl, over
// steps; at the end of each epoch the distributions of weights and of the last batch's gradients.

import type { SummaryEvent } from '../interop/tensorboard/events.ts';
import { makeHistogram } from '../interop/tensorboard/histogram.ts';
import type { TrainEvent } from '../train/events.ts';
import type { NamedTensors } from '../util/tensor.ts';
import type { TrainerView } from './session.ts';

/** Where summaries go: an event file (`openTensorBoardWriter`). */
export interface SummaryWriter {
  write(event: SummaryEvent): Promise<void>;
}

/**
 * An observer for `runTraining`. Losses are means, errors fractions.
 * @param options.every a point in the curves of batches every so many of them
 * @param options.now milliseconds since 1970
 */
export function createTensorBoardReader(
  writer: SummaryWriter,
  { every, now = Date.now }: { every: number; now?: () => number },
): (event: TrainEvent, trainer: TrainerView) => Promise<void> {
  let step = 0;
  const scalars = (values: Record<string, number>) =>
    writer.write({ wallTime: now() / 1000, step, scalars: values });
  return async (event, trainer) => {
    switch (event.kind) {
      case 'start':
        step = event.position.iteration;
        break;
      case 'step':
        step = event.iteration;
        if ((event.batch + 1) % every !== 0 && event.batch + 1 !== event.batches) break;
        await scalars({
          'batch/loss': event.loss,
          'batch/error': 1 - event.top1,
          'training/learning rate': event.learningRate,
          'training/images per second': event.imagesPerSecond,
        });
        break;
      case 'epoch-end': {
        await scalars({
          'loss/train': event.trainLoss,
          'error/train': 1 - event.trainTop1,
          'training/epoch': event.epoch + 1,
        });
        const { weights, momentum } = await trainer.snapshot();
        // The momentum has the trained parameters' names; running statistics are not among them.
        const parameters = new Map([...weights].filter(([name]) => momentum.has(name)));
        await writer.write({
          wallTime: now() / 1000,
          step,
          histograms: {
            ...histograms('weights', parameters),
            ...histograms('gradients', await trainer.gradients()),
          },
        });
        break;
      }
      case 'evaluation':
        await scalars({
          [`loss/${event.split}`]: event.loss,
          [`error/${event.split}`]: event.top1Error,
        });
        break;
      default:
        break;
    }
  };
}

function histograms(group: string, tensors: NamedTensors) {
  return Object.fromEntries(
    [...tensors].map(([name, { data }]) => [`${group}/${name}`, makeHistogram(data)]),
  );
}
