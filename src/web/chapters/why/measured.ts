// Error curves of our own runs, as `scripts/measured-curves.ts` took them out of the report in
// docs/results/sample, and the charts that are made of them.

import type { Chart, Series } from '../../../experiment/report/chart.ts';

/** Errors in per cent after each epoch. */
export interface MeasuredRun {
  /** `resnet20`, `plain56` ... */
  readonly arch: string;
  readonly seed: number;
  /** Running average over each epoch's augmented images. */
  readonly train: readonly number[];
  readonly test: readonly number[];
}

export interface MeasuredCurves {
  readonly runs: readonly MeasuredRun[];
}

export type MeasuredSplit = 'train' | 'test';
export type Family = 'plain' | 'resnet';

/** One colour a depth, in both charts. */
const COLOR_OF_DEPTH: Readonly<Record<string, string>> = {
  '20': 'var(--series-1)',
  '32': 'var(--series-3)',
  '44': 'var(--series-5)',
  '56': 'var(--series-2)',
};

export const FAMILY_NAMES: Readonly<Record<Family, string>> = {
  plain: 'Plain networks',
  resnet: 'Residual networks',
};

/** All runs of a family, one line each; both families' charts have the same axes. */
export function measuredChart(curves: MeasuredCurves, family: Family, split: MeasuredSplit): Chart {
  const named = new Set<string>();
  const series = curves.runs
    .filter(({ arch }) => arch.startsWith(family))
    .map((run): Series => {
      const depth = run.arch.slice(family.length);
      const listed = !named.has(depth);
      named.add(depth);
      return {
        label: `${depth} layers`,
        points: run[split].map((error, epoch) => [epoch + 1, error]),
        color: COLOR_OF_DEPTH[depth] ?? 'var(--series-7)',
        width: 2,
        listed,
      };
    });
  return {
    title: `${FAMILY_NAMES[family]}: ${split === 'train' ? 'training' : 'test'} error by epoch`,
    xLabel: 'epoch',
    yLabel: `${split === 'train' ? 'training' : 'test'} error (%)`,
    series,
    yRange: [0, 100],
  };
}

/** Mean error after the last epoch of a network's runs, in per cent. */
export function lastError(curves: MeasuredCurves, arch: string, split: MeasuredSplit): number {
  const errors = curves.runs.filter((run) => run.arch === arch).map((run) => run[split].at(-1)!);
  return errors.reduce((sum, error) => sum + error, 0) / errors.length;
}
