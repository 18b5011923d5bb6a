// Works through a grid: so many runs at a time, each in a process of its own, so that one that is
// killed, out of memory or diverging takes no other with it. What is finished is skipped, what was
// stopped goes on, what failed is tried once more; other processes may work on the same grid. How a
// process is started is given from outside (jobs.node.ts, or a test).

import { EVALUATION } from '../runs/layout.ts';
import type { RunHost } from '../runs/run.ts';
import { messageOf } from '../util/errors.ts';
import { type CellView, clearFailure, readCell, readCells, writeFailure } from './cells.ts';
import type { Cell } from './plan.ts';

/** How a process ended. */
export interface JobEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Its last words, for people. */
  readonly message: string;
}

export interface Job {
  readonly ended: Promise<JobEnd>;
  /** Asks it to save and end. */
  stop(): void;
}

/** Starts the processes of a grid. */
export interface Launcher {
  train(cell: Cell, dir: string, resume: boolean): Promise<Job>;
  /** Evaluates the final weights of a finished run and stores the result in its folder. */
  evaluate(cell: Cell, dir: string): Promise<Job>;
}

export type GridEvent =
  | { readonly kind: 'started'; readonly view: CellView; readonly resumed: boolean }
  /** A run that this process started has ended; the view says how. */
  | { readonly kind: 'ended'; readonly view: CellView }
  /** The run is finished, but its evaluation for the confusion matrix went wrong. */
  | { readonly kind: 'not-evaluated'; readonly view: CellView; readonly message: string };

export interface GridOptions {
  readonly host: RunHost;
  readonly folder: string;
  /** In the order in which they are to be trained. */
  readonly cells: readonly Cell[];
  /** How many at a time. */
  readonly jobs: number;
  readonly launcher: Launcher;
  /** Aborted to stop: running jobs save and end, no other begins. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: GridEvent) => void;
}

/**
 * Trains what is not finished.
 * @returns all cells as they are at the end
 */
export async function runGrid(options: GridOptions): Promise<CellView[]> {
  const { host, folder, cells, jobs, signal } = options;
  const waiting = [...cells];
  const worker = async () => {
    for (let cell = waiting.shift(); cell && !signal?.aborted; cell = waiting.shift()) {
      await workOn(options, cell);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, worker));
  return readCells(host, folder, cells);
}

async function workOn(options: GridOptions, cell: Cell): Promise<void> {
  const { host, folder, launcher, onEvent, signal } = options;
  // Looked at only now: another process may have trained it in the meantime.
  let view = await readCell(host, folder, cell);
  if (view.state === 'running') return;
  if (view.state !== 'finished') {
    await host.files.makeFolder(view.dir);
    await clearFailure(host.files, view.dir);
    const resumed = view.run !== undefined;
    onEvent?.({ kind: 'started', view, resumed });
    const end = await ended(() => launcher.train(cell, view.dir, resumed), signal);
    view = await readCell(host, folder, cell);
    if (isTrained(view, end)) view = { ...view, message: UNWRITTEN };
    else if (isFailure(view, end)) {
      const { exitCode, signal: name, message } = end;
      const time = new Date(host.self.now()).toISOString();
      await writeFailure(host.files, view.dir, { time, exitCode, signal: name, message });
      view = await readCell(host, folder, cell);
    }
    onEvent?.({ kind: 'ended', view });
  }
  if (view.state !== 'finished' || signal?.aborted) return;
  if ((await host.files.list(view.dir)).includes(EVALUATION)) return;
  const end = await ended(() => launcher.evaluate(cell, view.dir), signal);
  if (end.exitCode === 0 || signal?.aborted) return;
  onEvent?.({ kind: 'not-evaluated', view, message: end.message });
}

/** A process says so by its exit code; without a summary its run is shown as interrupted. */
function isTrained({ state }: CellView, { exitCode }: JobEnd): boolean {
  return exitCode === 0 && state === 'interrupted';
}

const UNWRITTEN =
  'it is trained to its end, but its summary could not be written; going on with it does that';

/** An orderly stop is no failure, nor is a run that another process holds. */
function isFailure({ state, run }: CellView, { exitCode }: JobEnd): boolean {
  if (state === 'finished' || state === 'running') return false;
  return exitCode === 0 || run?.summary?.outcome !== 'interrupted';
}

/** Runs a job to its end; a job that cannot even start has ended, too. */
async function ended(start: () => Promise<Job>, signal?: AbortSignal): Promise<JobEnd> {
  try {
    const job = await start();
    const stop = () => job.stop();
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    try {
      return await job.ended;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  } catch (error) {
    return { exitCode: null, signal: null, message: messageOf(error) };
  }
}
