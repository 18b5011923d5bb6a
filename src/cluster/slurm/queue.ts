// What is in Slurm's queue, from `squeue --json`. Its fields changed between versions: a number may be
// an object with the number in it, a state a list of states; tasks that wait are one entry for many.

import * as z from 'zod/mini';
import { check, problemText } from '../../util/check.ts';
import { messageOf, UserError } from '../../util/errors.ts';
import { parseTime } from './time.ts';

/** One task of an array, or a job that is none. */
export interface QueuedTask {
  /** The array's number, or the job's. */
  readonly job: string;
  /** Undefined for a job that is no array. */
  readonly index: number | undefined;
  /** `RUNNING`, `PENDING`, `COMPLETING` ... */
  readonly state: string;
  /** Why it waits. */
  readonly reason: string | undefined;
  readonly node: string | undefined;
  /** Seconds that Slurm lets it run from now; undefined where it does not run, or has no limit. */
  readonly secondsLeft: number | undefined;
}

const number = z.pipe(
  z.union([
    z.number(),
    z.object({ set: z.optional(z.boolean()), number: z.optional(z.number()) }),
    z.null(),
  ]),
  z.transform((value) =>
    typeof value === 'number' || value === null
      ? (value ?? undefined)
      : value.set === false
        ? undefined
        : value.number,
  ),
);
const words = z.pipe(
  z.union([z.string(), z.array(z.string())]),
  z.transform((value) => (typeof value === 'string' ? value : value[0]) ?? ''),
);

const jobSchema = z.object({
  job_id: number,
  array_job_id: z.optional(number),
  array_task_id: z.optional(number),
  array_task_string: z.optional(z.nullable(z.string())),
  job_state: words,
  state_reason: z.optional(z.nullable(z.string())),
  nodes: z.optional(z.nullable(z.string())),
  end_time: z.optional(number),
});
const queueSchema = z.object({ jobs: z.array(jobSchema) });

/** States of jobs that have ended; Slurm keeps them in sight for a while. */
const ENDED = new Set([
  ...['BOOT_FAIL', 'CANCELLED', 'COMPLETED', 'DEADLINE', 'FAILED', 'NODE_FAIL'],
  ...['OUT_OF_MEMORY', 'PREEMPTED', 'REVOKED', 'TIMEOUT'],
]);

/**
 * @param text what `squeue --json` wrote
 * @param now seconds since 1970
 */
export function parseQueue(text: string, now: number): QueuedTask[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new UserError(`squeue --json wrote no JSON (${messageOf(error)}).`);
  }
  const { data, problem } = check(queueSchema, json);
  if (problem !== undefined) {
    throw new UserError(
      `squeue --json wrote something that table6 does not understand: ${problemText(problem)}.`,
    );
  }
  return data.jobs.flatMap((job) => {
    if (ENDED.has(job.job_state)) return [];
    const array = job.array_job_id;
    const indices = indicesOf(job.array_task_id, job.array_task_string);
    const isRunning = job.job_state === 'RUNNING';
    const end = job.end_time ?? 0;
    const task = {
      job: String(array || job.job_id),
      state: job.job_state,
      reason:
        isRunning || !job.state_reason || job.state_reason === 'None'
          ? undefined
          : job.state_reason,
      node: job.nodes || undefined,
      secondsLeft: isRunning && end > 0 ? Math.max(0, end - now) : undefined,
    };
    return (array ? indices : [undefined]).map((index) => ({ ...task, index }));
  });
}

/** The tasks that one entry of the queue stands for. */
function indicesOf(
  one: number | undefined,
  several: string | null | undefined,
): (number | undefined)[] {
  if (several) return parseIndices(several);
  return [one];
}

/** `0-3,7,10-20:5%2` → 0, 1, 2, 3, 7, 10, 15, 20. */
export function parseIndices(text: string): number[] {
  const [list = ''] = text.replaceAll(/[[\]]/g, '').split('%');
  return list.split(',').flatMap((part) => {
    const match = /^(\d+)(?:-(\d+))?(?::(\d+))?$/.exec(part.trim());
    if (!match) return [];
    const [first, last, step] = [match[1], match[2] ?? match[1], match[3] ?? 1].map(Number) as [
      number,
      number,
      number,
    ];
    return Array.from(
      { length: Math.floor((last - first) / step) + 1 },
      (_, k) => first + k * step,
    );
  });
}

/** What older and leaner Slurms write, without JSON: see `PLAIN_FORMAT`. */
export const PLAIN_FORMAT = '%F|%K|%T|%r|%N|%L';

export function parsePlainQueue(text: string): QueuedTask[] {
  return text.split('\n').flatMap((line) => {
    const [job, index, state, reason, node, left] = line.trim().split('|');
    if (!job || state === undefined || ENDED.has(state)) return [];
    const isRunning = state === 'RUNNING';
    const task = {
      job,
      state,
      reason: isRunning || !reason || reason === 'None' ? undefined : reason,
      node: node || undefined,
      secondsLeft: isRunning && left ? parseTime(left) : undefined,
    };
    const indices = index && /^\d/.test(index) ? parseIndices(index) : [undefined];
    return indices.map((each) => ({ ...task, index: each }));
  });
}
