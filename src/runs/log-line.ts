// log.txt: the story of a run, for someone who reads it later; epochs and batches count from 1. Steps
// are in metrics.jsonl.

import type { TrainEvent } from '../train/events.ts';
import type { RunResult } from '../train/result.ts';
import { formatLearningRate, formatPercent } from '../util/format.ts';

/** The line of an event, or undefined for events that leave none. */
export function logLine(event: TrainEvent): string | undefined {
  switch (event.kind) {
    case 'start': {
      const { config, position, resumed, backend } = event;
      const begin = resumed ? 'resumed' : 'started';
      return `${begin} ${config.arch}, recipe ${config.recipe}, seed ${config.seed}, at epoch ${position.epoch + 1}, batch ${position.batch + 1}; ${backend}${event.notice === undefined ? '' : `. ${event.notice}`}`;
    }
    case 'rate':
      return `learning rate ${formatLearningRate(event.learningRate)} from epoch ${event.epoch + 1}, batch ${event.batch + 1} on: the schedule's, times ${formatLearningRate(event.factor)}`;
    case 'epoch-end':
      return `epoch ${event.epoch + 1}: training loss ${event.trainLoss.toFixed(4)}, accuracy ${formatPercent(event.trainTop1)} (running averages), learning rate ${formatLearningRate(event.learningRate)}, ${event.imagesPerSecond.toFixed(0)} images/s`;
    case 'evaluation':
      return `epoch ${event.epoch + 1}: ${event.split} error ${formatPercent(event.top1Error)} (${event.wrong} of ${event.images}), loss ${event.loss.toFixed(4)}${event.isBest ? ', best so far' : ''}`;
    case 'checkpoint':
      return event.reasons.every((reason) => reason === 'epoch' || reason === 'timer')
        ? undefined
        : `saved (${event.reasons.join(', ')}): ${(event.paths ?? []).join(', ')}`;
    case 'nan':
      return event.message;
    case 'interrupted':
      return `stopped before epoch ${event.position.epoch + 1}, batch ${event.position.batch + 1}. ${event.message ?? ''}`;
    case 'end':
      return `${event.outcome} after ${event.seconds.toFixed(0)} s of training; ${resultLine(event.result)}${event.notice === undefined ? '' : `. ${event.notice}`}`;
    default:
      return undefined;
  }
}

/** The three numbers in one line, each with its epoch. */
function resultLine({ final, bestOnTest, bestOnValidation }: RunResult): string {
  const parts: string[] = [];
  if (final)
    parts.push(`final test error ${formatPercent(final.error)} (epoch ${final.epoch + 1})`);
  if (bestOnValidation) {
    const test =
      bestOnValidation.error === undefined
        ? ''
        : `test error ${formatPercent(bestOnValidation.error)}, `;
    parts.push(
      `best on validation: ${test}validation error ${formatPercent(bestOnValidation.validationError)} (epoch ${bestOnValidation.epoch + 1})`,
    );
  }
  if (bestOnTest) {
    parts.push(
      `best on test ${formatPercent(bestOnTest.error)} (epoch ${bestOnTest.epoch + 1}; optimistic, as the test set chose it)`,
    );
  }
  return parts.join('; ') || 'nothing was evaluated';
}
