// The table as CSV with plain numbers, for spreadsheets and scripts. Errors are per cent.

import { csvText } from '../../util/foreign-text.ts';
import type { Report, ReportRow, ReportRun } from './data.ts';

type Cell = string | number | undefined;

/** One line a row of the table. */
export function reportCsv(report: Report): string {
  return lines([
    [
      'network',
      'recipe',
      'parameters',
      'paper_error',
      'notebook_error',
      'published_error',
      'runs_planned',
      'runs_finished',
      'final_mean',
      'final_deviation',
      'mirrored_mean',
      'mirrored_deviation',
      'best_on_test_mean',
      'best_on_test_deviation',
      'best_on_validation_mean',
      'best_on_validation_deviation',
      'train_error_mean',
      'minus_paper',
      'minus_paper_low',
      'minus_paper_high',
      'seconds_per_run',
      'data',
    ],
    ...report.rows.map(rowCells),
  ]);
}

function rowCells(row: ReportRow): Cell[] {
  const { reference, paperDifference } = row;
  return [
    row.arch,
    row.recipe,
    row.parameters,
    reference?.paperError,
    reference?.notebookError,
    reference?.publishedError,
    row.planned,
    row.states.finished,
    row.final?.mean,
    row.final?.deviation,
    row.mirrored?.mean,
    row.mirrored?.deviation,
    row.bestOnTest?.mean,
    row.bestOnTest?.deviation,
    row.bestOnValidation?.mean,
    row.bestOnValidation?.deviation,
    row.trainError?.mean,
    paperDifference?.difference,
    paperDifference?.interval?.low,
    paperDifference?.interval?.high,
    row.seconds,
    row.dataTitle,
  ];
}

/** One line a run. */
export function runsCsv(report: Report): string {
  return lines([
    [
      'folder',
      'name',
      'note',
      'network',
      'recipe',
      'seed',
      'state',
      'epochs_done',
      'epochs',
      'final_error',
      'mirrored_error',
      'best_on_test',
      'best_on_test_epoch',
      'best_on_validation',
      'best_on_validation_epoch',
      'train_error',
      'seconds',
      'data',
      'trained_on',
      'weights_sha256',
      'message',
    ],
    ...report.rows.flatMap(({ runs }) => runs.map(runCells)),
  ]);
}

function runCells(run: ReportRun): Cell[] {
  return [
    run.folder,
    run.label,
    run.note,
    run.arch,
    run.recipe,
    run.seed,
    run.state,
    run.epochsDone,
    run.epochs,
    run.final,
    run.mirrored,
    run.bestOnTest?.error,
    run.bestOnTest?.epoch,
    run.bestOnValidation?.error,
    run.bestOnValidation?.epoch,
    run.trainError,
    run.seconds,
    run.dataTitle,
    run.machine,
    run.weightsSha256,
    run.message,
  ];
}

function lines(table: readonly (readonly Cell[])[]): string {
  return table.map((cells) => `${cells.map(field).join(',')}\n`).join('');
}

function field(cell: Cell): string {
  if (cell === undefined) return '';
  if (typeof cell === 'number') return String(Number(cell.toPrecision(10)));
  return csvText(cell);
}
