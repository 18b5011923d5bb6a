// The report's tables as cells of text, which the text, Markdown and HTML writers lay out.

import type { Comparison, Report, ReportRow } from './data.ts';
import type { Described } from './facts.ts';
import * as format from './format.ts';
import { settingsText } from './naming.ts';
import { sweepTables } from './sweep.ts';
import type { Table, TitledTable } from './table.ts';

/** A column of a table, and whether there is anything in it. */
interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  readonly shown?: boolean;
}

function tableOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[], left: number): Table {
  const there = columns.filter(({ shown = true }) => shown);
  return {
    header: there.map(({ head }) => head),
    left,
    rows: rows.map((row) => there.map(({ cell }) => cell(row))),
  };
}

/** *paper | ours*, one line a network and what it was trained with. */
export function mainTable({ rows }: Report): Table {
  const some = (test: (row: ReportRow) => unknown) => rows.some((row) => test(row) !== undefined);
  const differ = (value: (row: ReportRow) => unknown) =>
    new Set(rows.filter((row) => row.planned > 0).map(value)).size > 1;
  const known = some(({ reference }) => reference);
  const columns: readonly Column<ReportRow>[] = [
    { head: 'network', cell: ({ arch }) => format.displayName(arch) },
    { head: 'recipe', cell: recipeOf },
    { head: 'paper', cell: ({ reference }) => format.error(reference?.paperError), shown: known },
    { head: 'notebook', cell: notebookOf, shown: known },
    {
      head: 'weights',
      cell: ({ reference }) => format.error(reference?.publishedError),
      shown: known,
    },
    { head: 'ours: final', cell: format.finalOf },
    {
      head: 'mirrored too',
      cell: ({ mirrored }) => format.sample(mirrored),
      shown: some(({ mirrored }) => mirrored),
    },
    { head: 'best on test', cell: ({ bestOnTest }) => format.sample(bestOnTest) },
    {
      head: 'best on validation',
      cell: ({ bestOnValidation }) => format.sample(bestOnValidation),
      shown: some(({ bestOnValidation }) => bestOnValidation),
    },
    { head: 'n', cell: format.runsOf },
    {
      head: 'ours − paper [95 %]',
      cell: ({ paperDifference }) => format.difference(paperDifference),
      shown: known,
    },
    { head: 'time a run', cell: ({ seconds }) => format.duration(seconds) },
    { head: 'parameters', cell: ({ parameters }) => format.count(parameters) },
    {
      head: 'test images',
      cell: ({ images }) => (images ? format.count(images.test) : format.NONE),
      shown: differ(({ images }) => images?.test),
    },
    {
      head: 'data',
      cell: ({ dataTitle }) => dataTitle ?? format.NONE,
      shown: differ(({ dataTitle }) => dataTitle),
    },
  ];
  return tableOf(columns, rows, 2);
}

/** The table so far, narrow enough for a terminal. */
export function shortTable({ rows }: Report): Table {
  const columns: readonly Column<ReportRow>[] = [
    { head: 'network', cell: ({ arch }) => format.displayName(arch) },
    { head: 'recipe', cell: recipeOf },
    { head: 'paper', cell: ({ reference }) => format.error(reference?.paperError) },
    { head: 'ours: final', cell: format.finalOf },
    { head: 'best on test', cell: ({ bestOnTest }) => format.sample(bestOnTest) },
    { head: 'n', cell: format.runsOf },
  ];
  return tableOf(
    columns,
    rows.filter(({ planned }) => planned > 0),
    2,
  );
}

/** `notebook, 200 epochs, lr 0.05`: the recipe, its length, and what is not the recipe's own. */
export function recipeOf(row: Described & Pick<ReportRow, 'differs'>): string {
  const { recipe, config } = row;
  if (recipe === undefined) return format.NONE;
  const schedule = config?.schedule;
  const length = schedule ? `${schedule.length} ${schedule.unit}` : '';
  return [recipe, length, settingsText(row)].filter((part) => part !== '').join(', ');
}

function notebookOf({ reference }: ReportRow): string {
  if (!reference) return format.NONE;
  return reference.notebookError === undefined ? '?' : format.error(reference.notebookError);
}

/** Every run by itself; the columns that say something. */
function runsTable({ rows }: Report): Table {
  const runs = rows.flatMap((row) => row.runs.map((run) => ({ row, run })));
  const several = rows.filter(({ planned }) => planned > 0).length > 1;
  const validated = runs.some(({ run }) => run.bestOnValidation !== undefined);
  const columns: readonly Column<(typeof runs)[number]>[] = [
    { head: 'run', cell: ({ run }) => (run.label ? `${run.folder} “${run.label}”` : run.folder) },
    { head: 'network', cell: ({ row }) => row.name, shown: several },
    { head: 'seed', cell: ({ run }) => String(run.seed) },
    { head: 'state', cell: ({ run }) => run.state },
    { head: 'epochs', cell: ({ run }) => format.progressOf(run) },
    { head: 'final', cell: ({ run }) => format.error(run.final) },
    {
      head: 'mirrored too',
      cell: ({ run }) => format.error(run.mirrored),
      shown: runs.some(({ run }) => run.mirrored !== undefined),
    },
    { head: 'best on test', cell: ({ run }) => format.error(run.bestOnTest?.error) },
    { head: 'at epoch', cell: ({ run }) => String(run.bestOnTest?.epoch ?? format.NONE) },
    {
      head: 'best on validation',
      cell: ({ run }) => format.error(run.bestOnValidation?.error),
      shown: validated,
    },
    { head: 'train error', cell: ({ run }) => format.error(run.trainError) },
    { head: 'time', cell: ({ run }) => format.duration(run.seconds) },
    {
      head: 'note',
      cell: ({ run }) => run.note ?? '',
      shown: runs.some(({ run }) => run.note !== undefined),
    },
  ];
  return tableOf(columns, runs, several ? 2 : 1);
}

export const RUNS_TITLE = 'Runs';

/** The tables below the main one, in order; those that have no rows are undefined or empty. */
export function detailTables(report: Report): TitledTable[] {
  return [
    ...sweepTables(report),
    {
      title: 'Plain against residual',
      table: comparisonTable(report, 'plain-residual', ['plain', 'residual']),
    },
    {
      title: 'Settings compared, by pairs of the same seed',
      table: comparisonTable(report, 'settings', ['first', 'second']),
    },
    { title: RUNS_TITLE, table: runsTable(report) },
  ];
}

/** Where runs were trained, a line each; and which, where it was not one place for all. */
export function machines({ rows }: Report): string[] {
  const runs = rows.flatMap((row) => row.runs);
  const places = Map.groupBy(
    runs.filter(({ machine }) => machine !== undefined),
    ({ machine, version }) => (version === undefined ? machine! : `${machine}; table6 ${version}`),
  );
  if (places.size === 1) return [...places.keys()];
  return [...places].map(
    ([place, there]) => `${there.map(({ folder }) => folder).join(', ')}: ${place}`,
  );
}

/** What went wrong, run by run; empty when nothing did. */
export function failures(report: Report): string[] {
  return report.rows.flatMap(({ runs }) =>
    runs
      .filter(({ state }) => state === 'failed')
      .map(({ folder, message }) => `${folder} failed: ${message ?? 'it is not known why'}`),
  );
}

/** Undefined where nothing of a kind is compared. */
function comparisonTable(
  report: Report,
  kind: Comparison['kind'],
  [first, second]: readonly [string, string],
): Table | undefined {
  const comparisons = report.comparisons.filter((comparison) => comparison.kind === kind);
  if (comparisons.length === 0) return undefined;
  const rowOf = (name: string) => report.rows.find((row) => row.name === name)!;
  return {
    header: [
      'what is compared',
      'pairs',
      `test, ${first}`,
      `test, ${second}`,
      'difference [95 %]',
      `train, ${first}`,
      `train, ${second}`,
    ],
    left: 1,
    rows: comparisons.map(({ what, pairs, test, first: one, second: other }) => {
      const [a, b] = [rowOf(one), rowOf(other)];
      return [
        what,
        pairs === undefined ? format.NONE : String(pairs),
        format.sample(a.final),
        format.sample(b.final),
        format.difference(test),
        format.sample(a.trainError),
        format.sample(b.trainError),
      ];
    }),
  };
}
