// The console as a reader of training events: the bar on a terminal, plain lines elsewhere, the
// notebook's lines on request. One line an epoch stays in every case but the notebook's.

import { notebookLines } from '../../runs/notebook-lines.ts';
import { trainerLines } from '../../runs/trainer-lines.ts';
import type {
  EpochEndEvent,
  EvaluationEvent,
  EvaluationProgressEvent,
  StepEvent,
  TrainEvent,
  TrainReader,
} from '../../train/events.ts';
import {
  formatDuration,
  formatLearningRate,
  formatPercent,
  formatRate,
} from '../../util/format.ts';
import { barLine, throttle } from './bar.ts';
import type { Terminal } from './terminal.ts';

export type LogStyle = 'auto' | 'plain' | 'notebook' | 'trainer';

/** @param printFreq plain and notebook lines come every so many batches */
export function createTrainReader(
  style: LogStyle,
  terminal: Terminal,
  printFreq: number,
): TrainReader {
  if (style === 'notebook') return otherLines(terminal, notebookLines(printFreq));
  if (style === 'trainer') return otherLines(terminal, (event) => trainerLines(event, printFreq));
  const progress =
    style === 'auto' && terminal.interactive ? bars(terminal) : plainLines(terminal, printFreq);
  return withEpochLines(terminal, progress);
}

/** Another program's. */
function otherLines(terminal: Terminal, linesOf: (event: TrainEvent) => string[]): TrainReader {
  return {
    handle(event) {
      for (const line of linesOf(event)) terminal.line(line);
    },
  };
}

/** Adds the line of an epoch when all that belongs to it has arrived. */
function withEpochLines(terminal: Terminal, progress: TrainReader): TrainReader {
  let epoch: EpochEndEvent | undefined;
  let evaluations: EvaluationEvent[] = [];
  const flush = () => {
    if (epoch) terminal.line(epochLine(epoch, evaluations));
    else if (evaluations[0]) terminal.line(evaluationLine(evaluations[0].epoch, evaluations));
    epoch = undefined;
    evaluations = [];
  };
  return {
    handle(event) {
      if (event.kind === 'epoch-end') epoch = event;
      else if (event.kind === 'evaluation') evaluations.push(event);
      else if (!isAmongEvaluations(event)) flush();
      if (event.kind === 'nan') terminal.line(event.message, 'bad');
      progress.handle(event);
      if (event.kind === 'end') terminal.clear();
    },
  };
}

/** What may come between the end of an epoch and its evaluations. */
function isAmongEvaluations(event: TrainEvent): boolean {
  if (event.kind === 'checkpoint') return event.reasons.includes('timer');
  return event.kind === 'evaluation-progress';
}

/** Of a resumed run that only the evaluation was left of: its epoch was told before it stopped. */
function evaluationLine(epoch: number, evaluations: readonly EvaluationEvent[]): string {
  return [`epoch ${epoch + 1}`, ...evaluations.map(evaluationText)].join('  ');
}

function epochLine(epoch: EpochEndEvent, evaluations: readonly EvaluationEvent[]): string {
  const number = String(epoch.epoch + 1).padStart(String(epoch.epochs).length);
  return [
    `epoch ${number}/${epoch.epochs}`,
    `loss ${epoch.trainLoss.toFixed(4)}`,
    `accuracy ${formatPercent(epoch.trainTop1)}`,
    ...evaluations.map(evaluationText),
    `lr ${formatLearningRate(epoch.learningRate)}`,
    `${formatRate(epoch.imagesPerSecond)} images/s`,
    formatDuration(epoch.seconds),
  ].join('  ');
}

function evaluationText(evaluation: EvaluationEvent): string {
  const { split, top1Error, isBest, bestError, bestEpoch, partial, images } = evaluation;
  const best = isBest ? 'best' : `best ${formatPercent(bestError)} in epoch ${bestEpoch + 1}`;
  const part = partial ? `, partial: a sample of ${images} images` : '';
  return `${split} error ${formatPercent(top1Error)} (${best}${part})`;
}

function bars(terminal: Terminal): TrainReader {
  const mayDraw = throttle(10);
  return {
    handle(event) {
      if (event.kind === 'step') {
        if (mayDraw(event.batch + 1 === event.batches)) terminal.draw(stepBar(event, terminal));
      } else if (event.kind === 'evaluation-progress') {
        if (mayDraw()) terminal.draw(evaluationBar(event, terminal));
      }
    },
  };
}

function stepBar(step: StepEvent, terminal: Terminal): string {
  const fields = [
    `${formatRate(step.imagesPerSecond)} images/s`,
    `left ${formatDuration(step.secondsLeft)}`,
    `loss ${step.lossAverage.toFixed(4)}`,
    `accuracy ${formatPercent(step.top1Average)}`,
    `lr ${formatLearningRate(step.learningRate)}`,
    `batch ${step.batch + 1}/${step.batches}`,
  ];
  const done = (step.batch + 1) / step.batches;
  return barLine(`epoch ${step.epoch + 1}`, done, fields, terminal.width());
}

function evaluationBar(progress: EvaluationProgressEvent, terminal: Terminal): string {
  const fields = [`error ${formatPercent(1 - progress.top1Average)}`];
  const done = (progress.batch + 1) / progress.batches;
  return barLine(`epoch ${progress.epoch + 1} ${progress.split}`, done, fields, terminal.width());
}

function plainLines(terminal: Terminal, printFreq: number): TrainReader {
  return {
    handle(event) {
      if (event.kind !== 'step' || event.batch % printFreq !== 0) return;
      terminal.line(
        [
          `epoch ${event.epoch + 1}`,
          `batch ${event.batch + 1}/${event.batches}`,
          `loss ${event.loss.toFixed(4)} (${event.lossAverage.toFixed(4)})`,
          `accuracy ${formatPercent(event.top1Average)}`,
          `lr ${formatLearningRate(event.learningRate)}`,
          `${formatRate(event.imagesPerSecond)} images/s`,
          `left ${formatDuration(event.secondsLeft)}`,
        ].join('  '),
      );
    },
  };
}
