// One run of a table from wherever it is to its end, by one task of a cluster. Starting it again never
// harms: a finished run is left alone, a stopped one goes on, one in other hands is waited for (a
// machine that crashed leaves its lock behind, which counts as stale after some minutes). What went
// wrong is written into the run's folder, where `status` and reports find it.

import {
  type CellView,
  clearFailure,
  otherRun,
  readCell,
  writeFailure,
} from '../experiment/cells.ts';
import { type Cell, cellName } from '../experiment/plan.ts';
import { isRun } from '../runs/reader.ts';
import type { RunHost } from '../runs/run.ts';
import { stateToResume } from '../runs/states.ts';
import { messageOf, UserError } from '../util/errors.ts';
import { NEVER_RETRY, TRY_LATER } from './exit-codes.ts';
import { patiently } from './patiently.ts';

/** Longer than a lock without a holder lives (runs/lock.ts). */
export const LOCK_SECONDS = 8 * 60;

export interface WorkOptions {
  readonly host: RunHost;
  readonly folder: string;
  readonly cell: Cell;
  /**
   * Trains; begins the run or goes on with it.
   * @returns 0, 1 for a run that diverged, or 128 and a signal's number
   */
  readonly train: (dir: string, resume: boolean) => Promise<number>;
  /** Seconds to wait for a run that another process has. */
  readonly patience?: number;
  readonly say: (line: string) => void;
}

/**
 * @returns the exit code: 0 once the run is finished
 * @throws UserError for what went wrong, with exit code 2 for what another try will not better
 */
export async function work(options: WorkOptions): Promise<number> {
  const { host, folder, cell, say } = options;
  const view = await free(options);
  const { dir } = view;
  if (view.state === 'finished') {
    say(`${cellName(cell)} is finished: nothing to do.`);
    return 0;
  }
  if (view.state === 'running') {
    say(`${cellName(cell)} is being trained by ${view.message}: later.`);
    return TRY_LATER;
  }
  await refuse(host, view);
  try {
    await host.files.makeFolder(dir);
    await clearFailure(host.files, dir);
    const code = await options.train(dir, view.run !== undefined);
    const after = await readCell(host, folder, cell);
    if (code === 0 && after.state === 'interrupted') {
      say(`${cellName(cell)} is trained to its end, and its summary could not be written: later.`);
      return TRY_LATER;
    }
    if (code !== 1) return code;
    throw new UserError(after.message ?? 'It ended without a result.', { exitCode: 2 });
  } catch (error) {
    // Another task was faster, between our look and our try.
    if ((await readCell(host, folder, cell)).state === 'running') return work(options);
    await remember(host, dir, error);
    throw error;
  }
}

/** The run once nobody else has it, or as it is when the patience is over. */
async function free(options: WorkOptions): Promise<CellView> {
  const { host, folder, cell, say, patience = LOCK_SECONDS } = options;
  let view!: CellView;
  const look = async () => {
    view = await readCell(host, folder, cell);
    return view.state === 'running' ? undefined : view;
  };
  const wait = () => say(`${cellName(cell)} is in the hands of ${view.message}: waiting.`);
  return (await patiently(look, patience, wait)) ?? view;
}

/** What would end in the same way again is refused before anything is loaded. */
async function refuse({ files }: RunHost, { cell, dir, run, message }: CellView): Promise<void> {
  if (run === undefined) {
    if (!(await isRun(files, dir))) return;
    throw again(`${message} ${REPAIR(dir)}`);
  }
  const other = otherRun(run, cell);
  if (other !== undefined) throw again(other);
  if (run.summary?.outcome === 'nan') {
    throw again(
      `${message}. The same seed diverges again: remove "${dir}" to train it anew, or leave the seed away.`,
    );
  }
  try {
    await stateToResume(files, dir, { summary: run.summary });
  } catch (error) {
    throw again(`${messageOf(error)} ${REPAIR(dir)}`);
  }
}

const REPAIR = (dir: string) =>
  `Put a copy of it back, or remove "${dir}" to train the run from its beginning.`;

function again(message: string): UserError {
  return new UserError(message, { exitCode: 2 });
}

/** For `status` and reports; a disk that is full takes no note, and the task's log has the sentence. */
async function remember(host: RunHost, dir: string, error: unknown): Promise<void> {
  const exitCode = error instanceof UserError && error.exitCode === 2 ? NEVER_RETRY : 1;
  const time = new Date(host.self.now()).toISOString();
  const failure = { time, exitCode, signal: null, message: messageOf(error) };
  await writeFailure(host.files, dir, failure).catch(() => {});
}
