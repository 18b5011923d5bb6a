// How far each run of a grid is, read from the run folders and nothing else: no process keeps a list
// that could disagree with them, so a table can be stopped, copied and continued at any moment.

import * as z from 'zod/mini';
import type { FileSystem } from '../runs/file-system.ts';
import { CONFIG, FAILURE, METRICS } from '../runs/layout.ts';
import { lockHolder } from '../runs/lock.ts';
import { isRun, openRun, type RunView } from '../runs/reader.ts';
import type { RunHost } from '../runs/run.ts';
import { readChecked, writeSealedJson } from '../runs/sealed-json.ts';
import { settingValue } from '../train/config.ts';
import type { SettingName } from '../train/settings.ts';
import { fileError } from '../util/system-errors.ts';
import { type Cell, cellFolder, cellName } from './plan.ts';

export type CellState = 'missing' | 'running' | 'interrupted' | 'failed' | 'finished';

export interface CellView {
  readonly cell: Cell;
  readonly dir: string;
  readonly state: CellState;
  /** Why it failed, or who is training it. */
  readonly message?: string;
  /** Undefined before the run folder is made. */
  readonly run?: RunView | undefined;
}

/** How a process ended that did not finish its run; written into the run folder by its parent. */
const failureSchema = z.object({
  time: z.string(),
  exitCode: z.nullable(z.number()),
  signal: z.nullable(z.string()),
  message: z.string(),
});
export type Failure = z.infer<typeof failureSchema>;

export async function writeFailure(files: FileSystem, dir: string, failure: Failure) {
  await writeSealedJson(files, `${dir}/${FAILURE}`, failure);
}

/** Makes a folder ready to be tried (again). */
export async function clearFailure(files: FileSystem, dir: string): Promise<void> {
  await files.remove(`${dir}/${FAILURE}`);
  const names = await files.list(dir);
  // Killed while the folder was being made: nothing was trained, and it must not look like a run.
  if (names.includes(METRICS) && !names.includes(CONFIG)) await files.remove(`${dir}/${METRICS}`);
}

/**
 * Looks at one cell of the plan in `folder`. Damage is a state, not an error.
 * @param dir its run folder, where that is not the plan's
 */
export async function readCell(
  host: RunHost,
  folder: string,
  cell: Cell,
  dir = `${folder}/${cellFolder(cell)}`,
): Promise<CellView> {
  const { files } = host;
  try {
    const failure = await readFailure(files, dir);
    if (!(await isRun(files, dir))) {
      return failure
        ? { cell, dir, state: 'failed', message: failure.message }
        : { cell, dir, state: 'missing' };
    }
    const run = await openRun(files, dir);
    if (run.damaged.length > 0) {
      const message = `${run.damaged.join(' ')} Resuming the run makes it again.`;
      return { cell, dir, run, state: 'failed', message };
    }
    return { cell, dir, run, ...(await stateOf(host, run, cell, failure)) };
  } catch (error) {
    return {
      cell,
      dir,
      state: 'failed',
      message: fileError(error, { path: dir, doing: 'read' }).message,
    };
  }
}

/** What to say of a folder that holds another run than its cell's; undefined where it is the cell's. */
export function otherRun(
  { config, dir }: Pick<RunView, 'config' | 'dir'>,
  cell: Cell,
): string | undefined {
  const { arch, recipe, seed } = config;
  const other = Object.entries(cell.vary ?? {}).some(
    ([name, value]) =>
      JSON.stringify(settingValue(config, name as SettingName)) !== JSON.stringify(value),
  );
  if (arch === cell.arch && recipe === cell.recipe && seed === cell.seed && !other)
    return undefined;
  const what = `${cellName({ arch, recipe, seed })}${other ? ' with other settings' : ''}`;
  return `"${dir}" holds another run (${what}): move it away.`;
}

async function stateOf(
  host: RunHost,
  run: RunView,
  cell: Cell,
  failure: Failure | undefined,
): Promise<{ state: CellState; message?: string }> {
  const message = otherRun(run, cell);
  if (message !== undefined) return { state: 'failed', message };
  const outcome = run.summary?.outcome;
  if (outcome === 'complete') return { state: 'finished' };
  const holder = await lockHolder(host.files, run.dir, host.self);
  if (holder) return { state: 'running', message: `process ${holder.pid} on ${holder.host}` };
  if (outcome === 'nan') return { state: 'failed', message: run.summary?.message ?? 'diverged' };
  if (failure) return { state: 'failed', message: failure.message };
  return { state: 'interrupted' };
}

/** How the last try of a run failed; undefined where it did not. */
export function readFailure(files: FileSystem, dir: string): Promise<Failure | undefined> {
  return readChecked(files, `${dir}/${FAILURE}`, failureSchema);
}

/** Looks at all cells. */
export function readCells(host: RunHost, folder: string, cells: readonly Cell[]) {
  return Promise.all(cells.map((cell) => readCell(host, folder, cell)));
}
