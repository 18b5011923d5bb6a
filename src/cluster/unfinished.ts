// What is left of a table, and waiting until nothing is: the report that follows a cluster's tasks has
// only the run folders to know it by.

import { setTimeout as sleep } from 'node:timers/promises';
import { type CellView, readCells, readFailure } from '../experiment/cells.ts';
import { cellFolder, type Plan } from '../experiment/plan.ts';
import type { RunHost } from '../runs/run.ts';
import { NEVER_RETRY } from './exit-codes.ts';

/** A line for each run that is not finished: `resnet20-notebook-seed1 (failed: why)`. */
export async function unfinished(host: RunHost, plan: Plan, folder: string): Promise<string[]> {
  const views = await readCells(host, folder, plan.cells);
  return views
    .filter(({ state }) => state !== 'finished')
    .map(({ cell, state, message }) => {
      const why = message === undefined ? '' : `: ${message}`;
      return `${cellFolder(cell)} (${state}${why})`;
    });
}

const LOOK_AGAIN_MS = 15_000;

/** Waits until each run is finished or will not be tried again, at most so many hours. */
export async function waitForRuns(
  host: RunHost,
  plan: Plan,
  folder: string,
  hours: number,
): Promise<void> {
  const end = performance.now() + 3_600_000 * hours;
  for (;;) {
    const views = await readCells(host, folder, plan.cells);
    const done = await Promise.all(views.map((view) => isDone(host, view)));
    const left = end - performance.now();
    if (done.every(Boolean) || left <= 0) return;
    await sleep(Math.min(LOOK_AGAIN_MS, left));
  }
}

async function isDone({ files }: RunHost, { state, dir, run }: CellView): Promise<boolean> {
  if (state === 'finished') return true;
  if (state !== 'failed') return false;
  if (run?.summary?.outcome === 'nan') return true;
  const failure = await readFailure(files, dir).catch(() => undefined);
  return failure?.exitCode === NEVER_RETRY;
}
