// How a report writes its numbers; the same in every format.

import { parseArch } from '../../nn/network.ts';
import type { Difference, Sample } from '../../util/statistics.ts';
import type { ReportRow, ReportRun } from './data.ts';

/** How many runs of a row there are, and how far they are. */
type Counted = Pick<ReportRow, 'planned' | 'states'>;

/** What stands where there is nothing. */
export const NONE = '–';

/** `resnet20` → `ResNet-20`. */
export function displayName(arch: string): string {
  const { family, depth } = parseArch(arch);
  return `${family === 'resnet' ? 'ResNet' : 'Plain'}-${depth}`;
}

export function error(value: number | undefined): string {
  return value === undefined ? NONE : value.toFixed(2);
}

/** `8.41 ± 0.12`; one run has no deviation. */
export function sample(value: Sample | undefined): string {
  if (!value) return NONE;
  const { mean, deviation } = value;
  return deviation === undefined ? mean.toFixed(2) : `${mean.toFixed(2)} ± ${deviation.toFixed(2)}`;
}

/** `−0.34 [−0.51, −0.17]`. */
export function difference(value: Difference | undefined): string {
  if (!value) return NONE;
  const text = signed(value.difference);
  if (!value.interval) return text;
  return `${text} [${signed(value.interval.low)}, ${signed(value.interval.high)}]`;
}

export function signed(value: number): string {
  const rounded = value.toFixed(2);
  if (Number(rounded) === 0) return '0.00';
  return value > 0 ? `+${rounded}` : rounded.replace('-', '−');
}

/** 75 → `1 min`, 3675 → `1 h 1 min`, 200000 → `2.3 days`. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined) return NONE;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${(seconds / 86_400).toFixed(1)} days`;
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Ours in the table: the mean, or what is missing instead. */
export function finalOf(row: Counted & Pick<ReportRow, 'final'>): string {
  return row.final ? sample(row.final) : stateText(row);
}

/** `5`, `2 of 5 (1 running, 2 missing)`. */
export function runsOf({ planned, states }: Counted): string {
  if (planned === 0) return NONE;
  if (states.finished === planned) return String(planned);
  const others = (['running', 'interrupted', 'failed', 'missing'] as const)
    .filter((state) => states[state] > 0)
    .map((state) => `${states[state]} ${state}`);
  return `${states.finished} of ${planned} (${others.join(', ')})`;
}

function stateText({ planned, states }: Counted): string {
  if (planned === 0) return 'not run';
  if (states.running > 0) return 'running';
  if (states.failed > 0) return 'failed';
  if (states.interrupted > 0) return 'unfinished';
  return 'missing';
}

/** `epoch 12 of 200`. */
export function progressOf({ epochsDone, epochs }: ReportRun): string {
  return epochs === 0 ? NONE : `${epochsDone} of ${epochs}`;
}
