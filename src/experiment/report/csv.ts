// The table as CSV with plain numbers, for spreadsheets and scripts. Errors are per cent.

import { csvText } from '../../util/foreign-text.ts';
import type { Report, ReportRow, ReportRun } from './data.ts';

type Cell = string | number | undefined;

/** What stands in a column, by its name. */
type Columns<Line> = Readonly<Record<string, (line: Line) => Cell>>;

const ROW_COLUMNS: Columns<ReportRow> = {
  network: (row) => row.arch,
  recipe: (row) => row.recipe,
  parameters: (row) => row.parameters,
  paper_error: ({ reference }) => reference?.paperError,
  notebook_error: ({ reference }) => reference?.notebookError,
  published_error: ({ reference }) => reference?.publishedError,
  runs_planned: (row) => row.planned,
  runs_finished: ({ states }) => states.finished,
  final_mean: ({ final }) => final?.mean,
  final_deviation: ({ final }) => final?.deviation,
  mirrored_mean: ({ mirrored }) => mirrored?.mean,
  mirrored_deviation: ({ mirrored }) => mirrored?.deviation,
  best_on_test_mean: ({ bestOnTest }) => bestOnTest?.mean,
  best_on_test_deviation: ({ bestOnTest }) => bestOnTest?.deviation,
  best_on_validation_mean: ({ bestOnValidation }) => bestOnValidation?.mean,
  best_on_validation_deviation: ({ bestOnValidation }) => bestOnValidation?.deviation,
  train_error_mean: ({ trainError }) => trainError?.mean,
  minus_paper: ({ paperDifference }) => paperDifference?.difference,
  minus_paper_low: ({ paperDifference }) => paperDifference?.interval?.low,
  minus_paper_high: ({ paperDifference }) => paperDifference?.interval?.high,
  seconds_per_run: (row) => row.seconds,
  data: (row) => row.dataTitle,
};

const RUN_COLUMNS: Columns<ReportRun> = {
  folder: (run) => run.folder,
  name: (run) => run.label,
  note: (run) => run.note,
  network: (run) => run.arch,
  recipe: (run) => run.recipe,
  seed: (run) => run.seed,
  state: (run) => run.state,
  epochs_done: (run) => run.epochsDone,
  epochs: (run) => run.epochs,
  final_error: (run) => run.final,
  mirrored_error: (run) => run.mirrored,
  best_on_test: ({ bestOnTest }) => bestOnTest?.error,
  best_on_test_epoch: ({ bestOnTest }) => bestOnTest?.epoch,
  best_on_validation: ({ bestOnValidation }) => bestOnValidation?.error,
  best_on_validation_epoch: ({ bestOnValidation }) => bestOnValidation?.epoch,
  train_error: (run) => run.trainError,
  seconds: (run) => run.seconds,
  data: (run) => run.dataTitle,
  trained_on: (run) => run.machine,
  weights_sha256: (run) => run.weightsSha256,
  message: (run) => run.message,
};

/** One line a row of the table. */
export function reportCsv({ rows }: Report): string {
  return csvOf(ROW_COLUMNS, rows);
}

/** One line a run. */
export function runsCsv({ rows }: Report): string {
  return csvOf(
    RUN_COLUMNS,
    rows.flatMap(({ runs }) => runs),
  );
}

function csvOf<Line>(columns: Columns<Line>, lines: readonly Line[]): string {
  const table = [
    Object.keys(columns),
    ...lines.map((line) => Object.values(columns).map((cell) => cell(line))),
  ];
  return table.map((cells) => `${cells.map(field).join(',')}\n`).join('');
}

function field(cell: Cell): string {
  if (cell === undefined) return '';
  if (typeof cell === 'number') return String(Number(cell.toPrecision(10)));
  return csvText(cell);
}
