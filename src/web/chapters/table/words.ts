// How the tables of chapter 7 put a line and a run.

import type { ReportRun } from '../../../experiment/report/data.ts';
import * as format from '../../../experiment/report/format.ts';
import { recipeOf } from '../../../experiment/report/tables.ts';
import { optimizerName } from '../../../train/optimizer.ts';
import type { Entry, Line, Place } from './entries.ts';

export const PLACES: Readonly<Record<Place, string>> = {
  project: 'this project',
  server: 'the server',
  tab: 'this tab',
};

/** `notebook, 200 epochs`, and what else sets the line apart from others of its network. */
export function lineText(line: Line): string {
  return recipeOf(line);
}

/** `ResNet-20, seed 1`: one run in the legend of a chart. */
export function runText({ run, place }: Entry): string {
  const network = format.displayName(run.arch);
  return `${network}, ${run.recipe}, seed ${run.seed} (${PLACES[place]})`;
}

/** `finished`, or how far it is: its numbers are no result yet. */
export function stateText({ state, epochsDone, epochs }: ReportRun): string {
  if (state === 'finished') return state;
  return epochs > 0 ? `${state}, ${epochsDone} of ${epochs} epochs` : state;
}

/** What the recipe set, in numbers. */
export function settingsText({ config }: ReportRun): string {
  if (!config) return '';
  const { batchSize, learningRate, momentum, nesterov, weightDecay, limitBatches } = config;
  const numbers = `${optimizerName(config)}, batch ${batchSize}, learning rate ${learningRate}, momentum ${momentum}${nesterov ? ' (Nesterov)' : ''}, weight decay ${weightDecay}`;
  return limitBatches > 0 ? `${numbers}; only ${limitBatches} batches an epoch` : numbers;
}

/** Backend, processor and version; '' where nobody has said. */
export function whereText({ machine, version }: ReportRun): string {
  const parts = [machine ?? '', version === undefined ? '' : `table6 ${version}`];
  return parts.filter((part) => part !== '').join('; ');
}

/** `29 November 2026` */
export function dayText(started: string | undefined): string {
  if (started === undefined) return format.NONE;
  return new Date(started).toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
  });
}
