// Reads a folder of runs for a report: those of its plan, or without a plan every run folder in it; or
// one run.
// Running and failed runs are read as far as they are.

import type { FileSystem } from '../../runs/file-system.ts';
import { isRun, readConfig } from '../../runs/reader.ts';
import type { RunHost } from '../../runs/run.ts';
import { UserError } from '../../util/errors.ts';
import { fileError } from '../../util/system-errors.ts';
import { type CellView, readCell } from '../cells.ts';
import { readEvaluation } from '../evaluation-file.ts';
import { type Cell, cellConfig, PLAN, type Plan } from '../plan.ts';
import { readPlan } from '../plan-folder.ts';
import { curvesOf } from './curves.ts';
import type { ReportRun } from './data.ts';
import { reportRun } from './run.ts';

export interface Collected {
  readonly plan: Plan | undefined;
  readonly views: readonly CellView[];
  readonly runs: readonly ReportRun[];
  /** Sentences about run folders that could not be read and are left out. */
  readonly unreadable: readonly string[];
}

/** @throws UserError if the folder has neither a plan nor runs */
export async function collectRuns(host: RunHost, folder: string): Promise<Collected> {
  const { plan, damage } = await planOf(host.files, folder);
  const found = plan
    ? { places: plan.cells.map((cell) => ({ cell, dir: undefined })), unreadable: [] }
    : await findRuns(host.files, folder);
  const { places } = found;
  const unreadable = [...damage, ...found.unreadable];
  if (places.length === 0) {
    if (unreadable.length > 0) throw new UserError(unreadable.join('\n'));
    throw new UserError(
      `There is nothing to report in "${folder}": it has neither a ${PLAN} nor run folders. Give the folder that runs were written to.`,
      { code: 'nothing-to-report', facts: { folder, plan: PLAN } },
    );
  }
  const views = await Promise.all(places.map(({ cell, dir }) => readCell(host, folder, cell, dir)));
  const runs: ReportRun[] = [];
  // One after the other: thirty files of metrics at once would only fill the memory.
  for (const view of views) runs.push(await readRun(host.files, view, plan));
  return { plan, views, runs, unreadable };
}

/** A damaged plan does not cost the runs that are there: it is named. */
async function planOf(
  files: FileSystem,
  folder: string,
): Promise<{ plan: Plan | undefined; damage: string[] }> {
  try {
    return { plan: await readPlan(files, folder), damage: [] };
  } catch (error) {
    const { message } = fileError(error, { path: `${folder}/${PLAN}`, doing: 'read' });
    return { plan: undefined, damage: [`Without its plan, of which nothing is shown: ${message}`] };
  }
}

/** Reads one run folder. @throws UserError if it is none, or its configuration is damaged */
export async function collectRun(host: RunHost, dir: string): Promise<ReportRun> {
  const { arch, recipe, seed } = await readConfig(host.files, dir);
  const view = await readCell(host, '', { arch, recipe, seed }, dir);
  return await readRun(host.files, view, undefined);
}

/** One damaged folder does not cost the others: it is named. */
async function findRuns(files: FileSystem, folder: string) {
  const places: { cell: Cell; dir: string }[] = [];
  const unreadable: string[] = [];
  const isOne = await isRun(files, folder);
  const dirs = isOne ? [folder] : (await files.list(folder)).map((name) => `${folder}/${name}`);
  for (const dir of dirs.sort()) {
    try {
      if (!isOne && !(await isRun(files, dir))) continue;
      const { arch, recipe, seed } = await readConfig(files, dir);
      places.push({ cell: { arch, recipe, seed }, dir });
    } catch (error) {
      unreadable.push(`Left out: ${fileError(error, { path: dir, doing: 'read' }).message}`);
    }
  }
  return { places, unreadable };
}

/** A run of which a file is damaged is shown as failed, with the reason. */
async function readRun(
  files: FileSystem,
  view: CellView,
  plan: Plan | undefined,
): Promise<ReportRun> {
  try {
    return await readWhole(files, view, plan);
  } catch (error) {
    const { message } = fileError(error, { path: view.dir, doing: 'read' });
    return await readWhole(files, { ...view, state: 'failed', message, run: undefined }, plan);
  }
}

async function readWhole(
  files: FileSystem,
  { cell, dir, state, message, run }: CellView,
  plan: Plan | undefined,
): Promise<ReportRun> {
  const about = { folder: dir.split('/').at(-1)!, ...cell, state, message };
  if (!run) {
    const config = plan && cellConfig(plan, cell);
    return { ...about, epochsDone: 0, epochs: 0, comparable: false, ...(config && { config }) };
  }
  return reportRun({
    ...{ folder: about.folder, state, message },
    ...{ config: run.config, summary: run.summary, environment: run.environment },
    curves: curvesOf(await run.metrics()),
    evaluation: await readEvaluation(files, dir),
  });
}
