// The lines of the trainer of akamaster/pytorch_resnet_cifar10, on which the notebook is built, character
// for character, for those who compare logs or parse them. Epochs and batches count from 0, accuracies are
// per cent, times are seconds. The notebook's own lines are in notebook-lines.ts.

import type { EvaluationProgressEvent, StepEvent, TrainEvent } from '../train/events.ts';
import { fixed, scientific } from '../util/python-format.ts';

/**
 * What that trainer prints of an event.
 * @param printFreq a line every so many batches
 */
export function trainerLines(event: TrainEvent, printFreq: number): string[] {
  switch (event.kind) {
    case 'step': {
      const lines = event.batch === 0 ? [`current lr ${scientific(event.learningRate)}`] : [];
      if (event.batch % printFreq === 0) lines.push(stepLine(event));
      return lines;
    }
    case 'evaluation-progress':
      return event.batch % printFreq === 0 ? [testLine(event)] : [];
    case 'evaluation':
      return [` * Prec@1 ${fixed(100 * (1 - event.top1Error), 3)}`];
    case 'nan':
      return [event.message];
    default:
      return [];
  }
}

function stepLine(step: StepEvent): string {
  return [
    `Epoch: [${step.epoch}][${step.batch}/${step.batches}]`,
    `Time ${meter(step.batchTime, step.batchTimeAverage, 3)}`,
    `Data ${meter(step.dataTime, step.dataTimeAverage, 3)}`,
    `Loss ${meter(step.loss, step.lossAverage, 4)}`,
    `Prec@1 ${meter(100 * step.top1, 100 * step.top1Average, 3)}`,
  ].join('\t');
}

function testLine(progress: EvaluationProgressEvent): string {
  return [
    `Test: [${progress.batch}/${progress.batches}]`,
    `Time ${meter(progress.batchTime, progress.batchTimeAverage, 3)}`,
    `Loss ${meter(progress.loss, progress.lossAverage, 4)}`,
    `Prec@1 ${meter(100 * progress.top1, 100 * progress.top1Average, 3)}`,
  ].join('\t');
}

function meter(value: number, average: number, digits: number): string {
  return `${fixed(value, digits)} (${fixed(average, digits)})`;
}
