// The figures of a report: error curves as in the paper's Figure 6, learning rate, loss, and layer
// responses as in its Figure 7. Each caption says which data it is about.

import { parseArch } from '../../nn/network.ts';
import type { Figure } from './chart.ts';
import {
  type Chart,
  drawChart,
  fittedRange,
  type Level,
  paletteColor,
  type Series,
} from './chart.ts';
import type { Point, Report, ReportRow, RunCurves } from './data.ts';
import { displayName } from './format.ts';
import { sweepFigures } from './sweep.ts';

export function figuresOf(report: Report): Figure[] {
  return [
    ...sweepFigures(report),
    ...errorFigures(report),
    ...stepFigures(report),
    ...responseFigures(report),
  ];
}

/** The paper shows errors up to 20 %, two and a half times what its best nets end at. */
const ERROR_HEADROOM = 2.5;

/** One figure for plain and one for residual nets of a recipe, on the same axes, as in Figure 6. */
function errorFigures(report: Report): Figure[] {
  const rows = rowsWith(report, ({ trainError, testError }) => [...trainError, ...testError]);
  const yRange = errorRange(rows);
  const groups = Map.groupBy(rows, ({ arch, recipe }) => `${parseArch(arch).family} ${recipe}`);
  return [...groups].map(([key, members]) => {
    const [family = '', recipe = ''] = key.split(' ');
    const kind = family === 'plain' ? 'Plain nets' : 'Residual nets';
    const chart: Chart = {
      title: `${kind}, recipe ${recipe}: error against iterations, ${report.dataNote}`,
      xLabel: 'iterations',
      yLabel: 'error (%)',
      series: members.flatMap((row) => errorSeries(row, colorOf(rows, row))),
      levels: members.flatMap((row) => paperLevel(row, colorOf(rows, row))),
      yRange,
    };
    const paper =
      chart.levels!.length > 0 ? " Dotted: the paper's error on the original CIFAR-10." : '';
    return {
      id: `error-${family === 'plain' ? 'plain' : 'residual'}-${recipe}`,
      caption: `${kind}, recipe ${recipe}, on ${report.dataNote}. Dashed: training error (running average of each epoch, augmented images); bold: test error; one pair of lines a run.${paper}`,
      svg: drawChart(chart),
    };
  });
}

/** From below the smallest error to what leaves the end of training most of the height. */
function errorRange(rows: readonly ReportRow[]): readonly [number, number] {
  const curves = rows.flatMap(({ runs }) => runs.flatMap((run) => run.curves ?? []));
  const errors = curves.flatMap(({ trainError, testError }) =>
    [...trainError, ...testError].map(([, error]) => error),
  );
  const last = curves.flatMap(({ testError }) => testError.at(-1)?.[1] ?? []);
  const papers = rows.flatMap(({ reference }) => reference?.paperError ?? []);
  const low = Math.min(...errors, ...papers);
  const high = Math.min(
    Math.max(...errors, 0),
    Math.max(10, ERROR_HEADROOM * Math.max(...last, 0)),
  );
  const [from, to] = fittedRange(low, Math.max(high, ...papers));
  return [from, Math.min(100, Math.ceil(to / 5) * 5)];
}

function errorSeries(row: ReportRow, color: string): Series[] {
  const many = row.runs.length > 1;
  let listed = true;
  return row.runs.flatMap(({ curves, seed }) => {
    if (!curves || curves.testError.length + curves.trainError.length === 0) return [];
    const pair: Series[] = [
      {
        label: `${row.name}, seed ${seed}, training`,
        points: curves.trainError,
        color,
        width: 1,
        dashed: true,
        listed: false,
      },
      {
        label: row.name,
        title: `${row.name}, seed ${seed}, test`,
        points: curves.testError,
        color,
        width: many ? 1.6 : 2.2,
        listed,
      },
    ];
    listed = false;
    return pair;
  });
}

function paperLevel({ reference, arch }: ReportRow, color: string): Level[] {
  if (!reference) return [];
  const y = reference.paperError;
  return [{ y, color, label: `${displayName(arch)} in the paper: ${y} %` }];
}

function stepFigures(report: Report): Figure[] {
  const rows = rowsWith(report, ({ loss }) => loss);
  if (rows.length === 0) return [];
  const firstRun = (row: ReportRow) => row.runs.find(({ curves }) => curves?.loss.length);
  const lines = (points: (curves: RunCurves) => readonly Point[]) =>
    rows.map((row, index): Series => {
      const { curves } = firstRun(row)!;
      // Equal schedules lie on each other; later ones are drawn thinner, so that both can be seen.
      const width = Math.max(1, 3.5 - index * 0.5);
      const dashed = parseArch(row.arch).family === 'plain';
      return { label: row.name, points: points(curves!), color: colorOf(rows, row), width, dashed };
    });
  const seeds = rows.some(({ runs }) => runs.length > 1) ? ' First seed of each network.' : '';
  const plain = rows.some(({ arch }) => parseArch(arch).family === 'plain')
    ? ' Plain nets dashed.'
    : '';
  return [
    {
      id: 'learning-rate',
      caption: `Learning rate against iterations (${report.dataNote}).${seeds}${plain}`,
      svg: drawChart({
        title: `Learning rate against iterations, ${report.dataNote}`,
        xLabel: 'iterations',
        yLabel: 'learning rate',
        series: lines(({ learningRate }) => learningRate).map((line) => ({ ...line, dots: false })),
        // Drops are powers of ten; the lines of other schedules, which end at zero, are not.
        logarithmic: rows.some(({ config }) => (config?.schedule?.kind ?? 'steps') === 'steps'),
      }),
    },
    {
      id: 'loss',
      caption: `Training loss against iterations, averaged over neighbouring steps, on ${report.dataNote}.${seeds}${plain}`,
      svg: drawChart({
        title: `Training loss against iterations, ${report.dataNote}`,
        xLabel: 'iterations',
        yLabel: 'training loss',
        series: lines(({ loss }) => loss).map((series) => ({ ...series, width: 1.5 })),
      }),
    },
  ];
}

/** Figure 7: in the order of the layers, and from the largest response to the smallest. */
function responseFigures(report: Report): Figure[] {
  const rows = report.rows.filter(({ responses }) => responses !== undefined);
  if (rows.length === 0) return [];
  return responseCharts(
    rows.map((row) => ({
      label: row.name,
      deviations: row.responses!.map(({ deviation }) => deviation),
      color: colorOf(rows, row),
      dashed: parseArch(row.arch).family === 'plain',
    })),
    `${report.dataNote}; the first finished run of each network`,
  );
}

export interface ResponseLine {
  readonly label: string;
  readonly deviations: readonly number[];
  readonly color: string;
  readonly dashed: boolean;
}

/** The two panels of Figure 7; plain nets dashed, as there. */
export function responseCharts(lines: readonly ResponseLine[], note: string): Figure[] {
  const chart = (sorted: boolean): Chart => ({
    title: `Standard deviation of layer responses${sorted ? ', sorted' : ''}, ${note}`,
    xLabel: sorted ? 'layer, sorted by magnitude' : 'layer',
    yLabel: 'deviation',
    series: lines.map(({ label, deviations, color, dashed }) => ({
      label,
      color,
      dashed,
      width: 1.8,
      points: (sorted ? deviations.toSorted((a, b) => b - a) : deviations).map(
        (deviation, index): Point => [index + 1, deviation],
      ),
    })),
  });
  const about =
    'of the 3×3 layers, after batch normalisation and before the nonlinearity (Figure 7 of the paper), from the running statistics';
  return [
    {
      id: 'responses',
      caption: `Standard deviation of the responses ${about} (${note}). Plain nets dashed.`,
      svg: drawChart(chart(false)),
    },
    {
      id: 'responses-sorted',
      caption: `The same, sorted by magnitude (${note}).`,
      svg: drawChart(chart(true)),
    },
  ];
}

function rowsWith(report: Report, points: (curves: RunCurves) => readonly Point[]): ReportRow[] {
  return report.rows.filter(({ runs }) =>
    runs.some(({ curves }) => curves && points(curves).length > 0),
  );
}

/** The colour of each row with curves, by its name. */
export function rowColors(report: Report): ReadonlyMap<string, string> {
  const rows = rowsWith(report, ({ trainError, testError }) => [...trainError, ...testError]);
  return new Map(rows.map((row) => [row.name, colorOf(rows, row)]));
}

/**
 * One colour a row; but a plain net has the colour of the residual net of its depth, where that differs
 * from it in nothing else.
 */
function colorOf(rows: readonly ReportRow[], row: ReportRow): string {
  const key = ({ arch, name }: ReportRow) =>
    `${parseArch(arch).depth}${name.slice(displayName(arch).length).replace(/, shortcut \w/, '')}`;
  const keys = [...new Set(rows.map(key))];
  return paletteColor(keys.indexOf(key(row)));
}
