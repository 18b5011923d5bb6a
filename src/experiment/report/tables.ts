// The report's tables as cells of text, which the text, Markdown and HTML writers lay out.

import type { Comparison, Report, ReportRow, ReportRun } from './data.ts';
import * as format from './format.ts';

export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** How many of the first columns are words. */
  readonly left: number;
}

/** *paper | ours*, one line a network (and recipe). */
export function mainTable(report: Report): Table {
  const { rows } = report;
  const validation = rows.some(({ bestOnValidation }) => bestOnValidation !== undefined);
  const header = ['network', 'recipe', 'parameters', 'paper', 'notebook', 'weights'];
  const ours = ['ours: final', 'best on test', ...(validation ? ['best on validation'] : [])];
  return {
    header: [...header, ...ours, 'n', 'ours − paper [95 %]', 'time a run', 'data'],
    left: 2,
    rows: rows.map((row) => [
      format.displayName(row.arch),
      recipeOf(row),
      format.count(row.parameters),
      format.error(row.reference?.paperError),
      notebookOf(row),
      format.error(row.reference?.publishedError),
      format.finalOf(row),
      format.sample(row.bestOnTest),
      ...(validation ? [format.sample(row.bestOnValidation)] : []),
      format.runsOf(row),
      format.difference(row.paperDifference),
      format.duration(row.seconds),
      row.dataTitle ?? format.NONE,
    ]),
  };
}

/** The table so far, narrow enough for a terminal. */
export function shortTable({ rows }: Report): Table {
  return {
    header: ['network', 'recipe', 'paper', 'ours: final', 'best on test', 'n'],
    left: 2,
    rows: rows
      .filter(({ planned }) => planned > 0)
      .map((row) => [
        format.displayName(row.arch),
        recipeOf(row),
        format.error(row.reference?.paperError),
        format.finalOf(row),
        format.sample(row.bestOnTest),
        format.runsOf(row),
      ]),
  };
}

/** `notebook`, with its length where someone changed it. */
function recipeOf({ recipe, config, name, arch }: ReportRow): string {
  if (recipe === undefined) return format.NONE;
  const schedule = config?.schedule;
  const length = schedule ? `, ${schedule.length} ${schedule.unit}` : '';
  const extra = name.slice(format.displayName(arch).length).includes('shortcut B')
    ? ', shortcut B'
    : '';
  return `${recipe}${length}${extra}`;
}

function notebookOf({ reference }: ReportRow): string {
  if (!reference) return format.NONE;
  return reference.notebookError === undefined ? '?' : format.error(reference.notebookError);
}

/** Every run by itself. */
function runsTable(report: Report): Table {
  return {
    header: [
      'run',
      'state',
      'epochs',
      'final',
      'best on test',
      'at epoch',
      'best on validation',
      'train error',
      'time',
    ],
    left: 2,
    rows: report.rows.flatMap(({ runs }) => runs.map(runCells)),
  };
}

function runCells(run: ReportRun): string[] {
  const { bestOnTest, bestOnValidation } = run;
  return [
    run.folder,
    run.state,
    format.progressOf(run),
    format.error(run.final),
    format.error(bestOnTest?.error),
    bestOnTest ? String(bestOnTest.epoch) : format.NONE,
    bestOnValidation ? `${format.error(bestOnValidation.error)}` : format.NONE,
    format.error(run.trainError),
    format.duration(run.seconds),
  ];
}

/** The tables below the main one, in order; those that have no rows are undefined or empty. */
export function detailTables(report: Report): { title: string; table: Table | undefined }[] {
  return [
    { title: 'Plain against residual', table: plainTable(report) },
    { title: 'Recipes, by pairs of the same seed', table: recipesTable(report) },
    { title: 'Runs', table: runsTable(report) },
  ];
}

/** Where runs were trained, a line each; and which, where it was not one place for all. */
export function machines({ rows }: Report): string[] {
  const runs = rows.flatMap((row) => row.runs);
  const places = Map.groupBy(
    runs.filter(({ machine }) => machine !== undefined),
    ({ machine }) => machine!,
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

/** Plain against residual, depth by depth; undefined where there are no such pairs. */
function plainTable(report: Report): Table | undefined {
  return comparisonTable(report, 'plain-residual', 'plain', 'residual');
}

/** Recipes of one network, by pairs of the same seed. */
function recipesTable(report: Report): Table | undefined {
  return comparisonTable(report, 'recipes', 'first', 'second');
}

function comparisonTable(
  report: Report,
  kind: Comparison['kind'],
  first: string,
  second: string,
): Table | undefined {
  const comparisons = report.comparisons.filter((comparison) => comparison.kind === kind);
  if (comparisons.length === 0) return undefined;
  const rowOf = (name: string) => report.rows.find((row) => row.name === name)!;
  return {
    header: [
      first,
      second,
      `test, ${first}`,
      `test, ${second}`,
      'difference [95 %]',
      `train, ${first}`,
      `train, ${second}`,
    ],
    left: 2,
    rows: comparisons.map((comparison) => {
      const [a, b] = [rowOf(comparison.first), rowOf(comparison.second)];
      return [
        a.name,
        b.name,
        format.sample(a.final),
        format.sample(b.final),
        format.difference(comparison.test),
        format.sample(a.trainError),
        format.sample(b.trainError),
      ];
    }),
  };
}
