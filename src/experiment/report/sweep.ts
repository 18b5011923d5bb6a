// Rows of one network and recipe that differ in a setting or two make a sweep: a grid of final errors,
// and a chart of the error against what varies. It is found in the rows themselves, so that a sweep made
// by a shell loop is shown as one that `reproduce` planned.

import type { Figure } from './chart.ts';
import { type Chart, drawChart, paletteColor, type Series } from './chart.ts';
import type { Fact, Point, Report, ReportRow } from './data.ts';
import { compareValues, factsOf } from './facts.ts';
import * as format from './format.ts';
import { sameValue } from './naming.ts';
import type { TitledTable } from './table.ts';

/** Rows that differ in these facts and nothing else. */
interface Sweep {
  /** `ResNet-20, notebook`. */
  readonly title: string;
  readonly id: string;
  readonly rows: readonly ReportRow[];
  /** What varies; for each the values in order. The first one is the axis of the chart. */
  readonly axes: readonly Axis[];
}

interface Axis {
  readonly name: string;
  readonly label: string;
  readonly values: readonly Fact[];
}

/** Other data are no setting, and runs in a sweep have the recipe in common. */
const NO_AXES = new Set(['recipe', 'data', 'images']);

function sweepsOf({ rows }: Report): Sweep[] {
  const titles = new Set(rows.flatMap((row) => row.dataTitle ?? []));
  // A row that has not begun knows nothing of its data; it has those of the others.
  const [only] = titles.size === 1 ? titles : [];
  const groups = Map.groupBy(
    rows.filter(({ planned }) => planned > 0),
    ({ arch, recipe, dataTitle = only }) => JSON.stringify([arch, recipe, dataTitle]),
  );
  return [...groups.values()].flatMap((members) => {
    const axes = axesOf(members);
    if (members.length < 2 || axes.length === 0) return [];
    const [{ arch, recipe = '', dataTitle }] = members as [ReportRow, ...ReportRow[]];
    const data = titles.size > 1 ? (dataTitle ?? '') : '';
    const title = [format.displayName(arch), recipe, data].filter((part) => part !== '').join(', ');
    return [{ title, id: title.toLowerCase().replace(/[^a-z0-9]+/g, '-'), rows: members, axes }];
  });
}

/** Numbers first, since they make the better axis; then what has most values. */
function axesOf(rows: readonly ReportRow[]): Axis[] {
  const names = new Set(rows.flatMap(({ differs }) => differs.map(({ name }) => name)));
  const told = [...names].filter((name) => !NO_AXES.has(name));
  const axes = told.map((name): Axis => {
    const facts = rows.flatMap((row) => factOf(row, { name }) ?? []);
    const values = facts.filter(
      (fact, index) => facts.findIndex((other) => sameValue(other, fact)) === index,
    );
    values.sort((a, b) => compareValues(a.value, b.value));
    return { name, label: facts[0]!.label, values };
  });
  const isNumber = ({ values }: Axis) => values.every(({ value }) => typeof value === 'number');
  return axes
    .filter(({ values }) => values.length > 1)
    .sort((a, b) => Number(isNumber(b)) - Number(isNumber(a)) || b.values.length - a.values.length);
}

function factOf(row: ReportRow, axis: Pick<Axis, 'name'>): Fact | undefined {
  return factsOf(row).find(({ name }) => name === axis.name);
}

/** Below or beside its name: `0.05`; `100,150`; `nesterov`; `dataset`, not `normalization dataset`. */
function valueText({ name, label, value, text }: Fact): string {
  if (typeof value === 'number' && name !== 'limitBatches') return String(value);
  return text === '' ? format.NONE : text.replace(new RegExp(`^${label} `), '');
}

/** The rows at a place of the grid. */
function at(rows: readonly ReportRow[], axis: Axis, value: Fact): ReportRow[] {
  return rows.filter((row) => sameValue(factOf(row, axis), value));
}

/** Of each sweep the final errors: a grid where two settings vary, else a line for each row. */
export function sweepTables(report: Report): TitledTable[] {
  return sweepsOf(report).map((sweep) => {
    const [down, across, ...more] = sweep.axes as [Axis, ...Axis[]];
    const labels = sweep.axes.map(({ label }) => label).join(' and ');
    const title = `Final error by ${labels}: ${sweep.title}`;
    return {
      title,
      table: across && more.length === 0 ? grid(sweep, down, across) : list(sweep),
    };
  });
}

function grid({ rows }: Sweep, down: Axis, across: Axis): TitledTable['table'] {
  return {
    header: [`${down.label} ↓  ${across.label} →`, ...across.values.map(valueText)],
    left: 1,
    rows: down.values.map((value) => [
      valueText(value),
      ...across.values.map((other) => cellText(at(at(rows, down, value), across, other))),
    ]),
  };
}

function cellText(rows: readonly ReportRow[]): string {
  const texts = rows.map((row) =>
    row.final ? `${format.sample(row.final)} (n ${row.final.n})` : format.finalOf(row),
  );
  return texts.length === 0 ? format.NONE : texts.join('; ');
}

function list({ rows, axes }: Sweep): TitledTable['table'] {
  return {
    header: [...axes.map(({ label }) => label), 'final', 'best on test', 'n'],
    left: 0,
    rows: rows.map((row) => [
      ...axes.map((axis) => {
        const fact = factOf(row, axis);
        return fact ? valueText(fact) : format.NONE;
      }),
      format.finalOf(row),
      format.sample(row.bestOnTest),
      format.runsOf(row),
    ]),
  };
}

/** Of each sweep the final error against what varies: means as lines, runs as dots. */
export function sweepFigures(report: Report): Figure[] {
  return sweepsOf(report)
    .filter(({ rows }) => rows.some(({ final }) => final !== undefined))
    .map((sweep) => {
      const { title, axes, rows } = sweep;
      const [axis, ...others] = axes as [Axis, ...Axis[]];
      const lines = Map.groupBy(rows, (row) =>
        others
          .map((other) => factOf(row, other)?.text ?? '')
          .filter((text) => text !== '')
          .join(', '),
      );
      const chart: Chart = {
        title: `${title}: final error against ${axis.label}, ${report.dataNote}`,
        xLabel: axis.label,
        yLabel: 'final error (%)',
        xTicks: axis.values.map((value, index) => ({ at: index, text: valueText(value) })),
        fitted: true,
        series: [...lines].flatMap(([label, members], index) =>
          seriesOf(label || 'mean', members, axis, paletteColor(index)),
        ),
      };
      return {
        id: `sweep-${sweep.id}`,
        caption: `${title}: final test error against ${axis.label}, on ${report.dataNote}. Lines join the means over seeds, dots are single runs; the values stand at equal distances.`,
        svg: drawChart(chart),
      };
    });
}

function seriesOf(label: string, rows: readonly ReportRow[], axis: Axis, color: string): Series[] {
  const placed = axis.values.flatMap((value, x) =>
    at(rows, axis, value).map((row) => ({ row, x })),
  );
  const means = placed.flatMap(({ row, x }): Point[] => (row.final ? [[x, row.final.mean]] : []));
  const runs = placed.flatMap(({ row, x }) =>
    row.runs.flatMap(({ final }): Point[] => (final === undefined ? [] : [[x, final]])),
  );
  return [
    { label, points: means, color, width: 2, dots: false },
    { label, points: runs, color, width: 1.5, dots: true, joined: false, listed: false },
  ];
}
