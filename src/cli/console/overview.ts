// What a person sees while a grid is trained: on a terminal one line a run and the table so far, drawn
// again every second; elsewhere a line for whatever happens. All of it is read from the run folders,
// so runs that other processes train are shown, too.

import { type CellState, type CellView, readCells } from '../../experiment/cells.ts';
import type { GridEvent } from '../../experiment/grid.ts';
import { type Cell, cellName } from '../../experiment/plan.ts';
import { type Progress, readProgress, secondsLeft } from '../../experiment/progress.node.ts';
import { nodeHost } from '../../runs/runs.node.ts';
import { planRun } from '../../train/schedule.ts';
import { formatDuration, formatPercent } from '../../util/format.ts';
import { createBlock } from './block.ts';
import type { Terminal } from './terminal.ts';

export interface OverviewOptions {
  readonly terminal: Terminal;
  readonly folder: string;
  readonly cells: readonly Cell[];
  readonly trainImages: number;
  /** The table so far, as text; made again after each run. */
  readonly table: () => Promise<string>;
}

export interface Overview {
  handle(event: GridEvent): void;
  /** Stops drawing. */
  close(): Promise<void>;
}

const EVERY_MS = 1000;
/** In a terminal too low for everything so many runs are shown at least, before the table is. */
const LEAST_RUNS = 4;

export function createOverview(options: OverviewOptions): Overview {
  const { terminal, folder, cells } = options;
  const block = createBlock(terminal);
  const started = performance.now();
  const told = new Map<string, number>();
  let table = '';
  let open = true;
  let busy: Promise<void> = Promise.resolve();

  const update = async () => {
    const views = await readCells(nodeHost, folder, cells);
    const progress = await Promise.all(
      views.map(({ state, dir }) => (state === 'running' ? readProgress(dir) : undefined)),
    );
    if (!open) return;
    const lines = views.map((view, index) => ({
      state: view.state,
      text: runLine(view, progress[index], options.trainImages),
    }));
    const below = ['', ...table.split('\n')];
    const room = Math.max(LEAST_RUNS, block.height() - below.length - 1);
    block.draw([headLine(views, started), ...fitted(inOrder(lines), room), ...below]);
    if (!terminal.interactive) tellEpochs(views, progress, told, terminal);
  };
  const refreshTable = async () => {
    table = await options.table();
  };
  // One after the other; a report that cannot be read now is shown at the end, by the caller.
  const next = (work: () => Promise<void>) => {
    busy = busy.then(work).catch(() => {});
  };
  next(refreshTable);
  next(update);
  const timer = setInterval(() => next(update), EVERY_MS);
  return {
    handle(event) {
      block.line(eventLine(event));
      if (event.kind === 'ended') next(refreshTable);
      next(update);
    },
    async close() {
      clearInterval(timer);
      await busy;
      open = false;
      block.clear();
    },
  };
}

function headLine(views: readonly CellView[], started: number): string {
  const count = (state: CellState) => views.filter((view) => view.state === state).length;
  const others = (['running', 'failed', 'interrupted', 'missing'] as const)
    .filter((state) => count(state) > 0)
    .map((state) => `${count(state)} ${state}`);
  const time = formatDuration((performance.now() - started) / 1000);
  return [`${count('finished')} of ${views.length} runs finished`, ...others, time].join(', ');
}

/** What moves first: with few rows the finished ones are those to leave out. */
function inOrder(lines: readonly { state: CellState; text: string }[]): string[] {
  const order: CellState[] = ['running', 'failed', 'interrupted', 'missing', 'finished'];
  return order.flatMap((state) =>
    lines.filter((line) => line.state === state).map(({ text }) => text),
  );
}

function fitted(lines: readonly string[], room: number): readonly string[] {
  if (lines.length <= room) return lines;
  return [...lines.slice(0, room - 1), `... and ${lines.length - room + 1} more`];
}

function runLine(view: CellView, progress: Progress | undefined, trainImages: number): string {
  const { cell, state, run, message } = view;
  const head = `${cellName(cell).padEnd(34)} ${state.padEnd(12)}`;
  if (state === 'failed') return `${head} ${message ?? ''}`;
  const final = run?.summary?.result.final;
  if (state === 'finished' && final) return `${head} final ${formatPercent(final.error)}`;
  if (state !== 'running' || !run || !progress) return head;
  const plan = planRun(run.config, trainImages);
  const fields = [`epoch ${progress.epoch + 1}/${plan.epochs}`, `loss ${progress.loss.toFixed(4)}`];
  if (progress.testError) fields.push(`test ${formatPercent(progress.testError.error)}`);
  fields.push(`left ${formatDuration(secondsLeft(progress, plan.iterations, run.config))}`);
  return `${head} ${fields.join('  ')}`;
}

function eventLine(event: GridEvent): string {
  const name = cellName(event.view.cell);
  if (event.kind === 'started') return `${event.resumed ? 'going on with' : 'beginning'} ${name}`;
  if (event.kind === 'not-evaluated') return `${name}: no confusion matrix: ${event.message}`;
  const { state, message, run } = event.view;
  const final = run?.summary?.result.final;
  if (state === 'finished' && final) {
    return `finished ${name}: final test error ${formatPercent(final.error)}`;
  }
  return `${state} ${name}${message ? `: ${message}` : ''}`;
}

/** A line for each epoch that has been evaluated since the last look. */
function tellEpochs(
  views: readonly CellView[],
  progress: readonly (Progress | undefined)[],
  told: Map<string, number>,
  terminal: Terminal,
): void {
  views.forEach(({ cell }, index) => {
    const test = progress[index]?.testError;
    const name = cellName(cell);
    if (!test || test.epoch <= (told.get(name) ?? -1)) return;
    told.set(name, test.epoch);
    terminal.line(`${name}: epoch ${test.epoch + 1}, test error ${formatPercent(test.error)}`);
  });
}
