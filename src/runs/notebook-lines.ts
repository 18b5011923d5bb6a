// The notebook's own lines, character for character with its two spelling mistakes, for those who compare
// logs or parse them. Epochs and batches count from 0; values are the batch's and, in parentheses, the
// averages of the epoch so far; accuracies are per cent.

import type { EvaluationEvent, StartEvent, StepEvent, TrainEvent } from '../train/events.ts';
import { fixed, scientific } from '../util/python-format.ts';

/** What the notebook prints before anything else with `--half`. */
export const HALF_LINE = 'half persicion is used.';

/** What it prints of an evaluation without training. */
export function notebookEvaluation(counts: Counts): string[] {
  return ['evalution mode', ...testLines(counts)];
}

/**
 * What the notebook prints of a run, event by event.
 * @param printFreq a line every so many batches
 */
export function notebookLines(printFreq: number): (event: TrainEvent) => string[] {
  let start: StartEvent | undefined;
  let epoch: number | undefined;
  return (event) => {
    switch (event.kind) {
      case 'start':
        start = event;
        return event.config.half ? [HALF_LINE] : [];
      case 'step': {
        const isNew = event.epoch !== epoch;
        epoch = event.epoch;
        return [
          ...(isNew && start ? epochLines(start, event) : []),
          ...(event.batch % printFreq === 0 ? [stepLine(event)] : []),
        ];
      }
      case 'evaluation':
        return isTest(event, start) ? testLines(event) : [];
      case 'nan':
        return [event.message];
      case 'end':
        return start && event.outcome === 'complete' ? lowestLine(start, event.result) : [];
      default:
        return [];
    }
  };
}

/** The notebook has no validation images; where there are no others, they are the test. */
function isTest({ split }: EvaluationEvent, start: StartEvent | undefined): boolean {
  return split === 'test' || (split === 'validation' && start?.testImages === 0);
}

function epochLines({ config }: StartEvent, { learningRate }: StepEvent): string[] {
  return [`Training ${config.arch} model`, `current lr ${scientific(learningRate)}`];
}

function stepLine(step: StepEvent): string {
  return [
    `Epoch: [${step.epoch}][${step.batch}/${step.batches}]`,
    `Loss ${meter(step.loss, step.lossAverage, 4)}`,
    `Prec@1 ${meter(100 * step.top1, 100 * step.top1Average, 3)}`,
  ].join('\t');
}

function meter(value: number, average: number, digits: number): string {
  return `${fixed(value, digits)} (${fixed(average, digits)})`;
}

type Counts = Pick<EvaluationEvent, 'images' | 'wrong'>;

function testLines({ images, wrong }: Counts): string[] {
  const right = (100 * (images - wrong)) / images;
  return [`Test\t  Prec@1: ${fixed(right, 3)} (Err: ${fixed(100 - right, 3)} )`, ''];
}

function lowestLine(
  { config, epochs }: StartEvent,
  { bestOnTest, bestOnValidation }: Extract<TrainEvent, { kind: 'end' }>['result'],
): string[] {
  const lowest = bestOnTest?.error ?? bestOnValidation?.validationError;
  if (lowest === undefined) return [];
  return [
    `The lowest error from ${config.arch} model after ${epochs} epochs is ${fixed(100 * lowest, 3)}`,
  ];
}
