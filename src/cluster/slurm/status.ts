// How a table is getting on: what Slurm's queue says of each run's task, beside what is in the run's
// folder. Slurm knows who waits and where; the folder knows how far training is, also after Slurm has
// forgotten the job.

import { type CellView, readCells } from '../../experiment/cells.ts';
import { cellFolder, type Plan } from '../../experiment/plan.ts';
import { readProgress, secondsLeft } from '../../experiment/progress.node.ts';
import type { RunHost } from '../../runs/run.ts';
import { planRun } from '../../train/schedule.ts';
import type { QueuedTask } from './queue.ts';
import { type Submission, type SubmittedTask, tasksByRun } from './submissions.ts';

export const RUN_STATES = [
  /** Has a test error. */
  'finished',
  /** Trains now. */
  'running',
  /** Its task has begun, and does not train yet. */
  'starting',
  /** Its task saves and ends. */
  'ending',
  /** Its task is in the queue. */
  'waiting',
  /** The same, after it has trained for a while. */
  'requeued',
  /** Not finished, and not in the queue. */
  'stopped',
  'failed',
  /** Neither begun nor in the queue. */
  'missing',
] as const;
export type RunState = (typeof RUN_STATES)[number];

export interface RunStatus {
  /** Its folder's name. */
  readonly run: string;
  readonly state: RunState;
  /** Why it failed, or waits. */
  readonly message?: string;
  /** `<array>_<index>` of its latest task. */
  readonly task?: string;
  readonly node?: string;
  readonly epochsDone: number;
  readonly epochs?: number;
  readonly imagesPerSecond?: number;
  /** Of training. */
  readonly secondsLeft?: number;
  /** Until Slurm ends the task. */
  readonly limitLeft?: number;
  /** How often it was begun again. */
  readonly restarts: number;
  /** Fraction; the latest test error. */
  readonly error?: number;
  readonly log?: string;
}

/** All runs of a plan, in its order. */
export async function readStatus(
  host: RunHost,
  folder: string,
  plan: Plan,
  submissions: readonly Submission[],
  queue: readonly QueuedTask[],
): Promise<RunStatus[]> {
  const tasks = tasksByRun(submissions, queue);
  const views = await readCells(host, folder, plan.cells);
  return Promise.all(views.map((view) => statusOf(view, tasks.get(cellFolder(view.cell)))));
}

async function statusOf(view: CellView, task: SubmittedTask | undefined): Promise<RunStatus> {
  const { cell, dir, run, message } = view;
  const { summary, config } = run ?? {};
  const queued = task?.queued;
  const state = stateOf(view, queued);
  const progress = state === 'running' ? await readProgress(dir) : undefined;
  const left =
    progress && config && summary
      ? secondsLeft(progress, planRun(config, summary.trainImages).iterations, config)
      : undefined;
  const error = progress?.testError?.error ?? summary?.result.final?.error;
  const why =
    state === 'failed' ? message : queued?.state === 'PENDING' ? queued.reason : undefined;
  return {
    ...{ run: cellFolder(cell), state, restarts: Math.max(0, sessions(view) - 1) },
    epochsDone: Math.max(progress?.epoch ?? 0, summary?.epochsDone ?? 0),
    ...(summary && { epochs: summary.epochs }),
    ...(why !== undefined && { message: why }),
    ...(task && { task: `${task.job}_${task.index}`, log: task.log }),
    ...(queued?.node !== undefined && { node: queued.node }),
    ...(progress && { imagesPerSecond: progress.imagesPerSecond }),
    ...(left !== undefined && { secondsLeft: left }),
    ...(queued?.secondsLeft !== undefined && { limitLeft: queued.secondsLeft }),
    ...(error !== undefined && { error }),
  };
}

function sessions({ run }: CellView): number {
  return run?.environment.sessions.length ?? 0;
}

/** The folder decides whether a run is finished, the queue whether anybody will go on with it. */
function stateOf(view: CellView, queued: QueuedTask | undefined): RunState {
  if (view.state === 'finished') return 'finished';
  switch (queued?.state) {
    case undefined:
      break;
    case 'RUNNING':
      return view.state === 'running' ? 'running' : 'starting';
    case 'PENDING':
    case 'REQUEUED':
    case 'REQUEUE_HOLD':
    case 'SUSPENDED':
      return sessions(view) > 0 ? 'requeued' : 'waiting';
    case 'CONFIGURING':
      return 'starting';
    default:
      return view.state === 'failed' ? 'failed' : 'ending';
  }
  switch (view.state) {
    // By something that is no task of this table's: a person's process.
    case 'running':
      return 'running';
    case 'interrupted':
      return 'stopped';
    default:
      return view.state;
  }
}

/** How many runs are in each state, those with none left away. */
export function countStates(runs: readonly RunStatus[]): Partial<Record<RunState, number>> {
  const counts: Partial<Record<RunState, number>> = {};
  for (const state of RUN_STATES) {
    const count = runs.filter((run) => run.state === state).length;
    if (count > 0) counts[state] = count;
  }
  return counts;
}

/** Whether somebody is on it, or will be. */
export function isQueued({ state }: Pick<RunStatus, 'state'>): boolean {
  return ['running', 'starting', 'ending', 'waiting', 'requeued'].includes(state);
}
