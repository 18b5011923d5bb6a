// What was submitted, in the table's folder: `slurm/001/` and so on, each with the scripts as they were,
// the plan as it was, the jobs' output, and `submission.json`, which says which task of which job trains
// which run. Slurm itself forgets a job minutes after its end.

import * as z from 'zod/mini';
import { type FileSystem, writeError } from '../../runs/file-system.ts';
import { readChecked, writeSealedJson } from '../../runs/sealed-json.ts';
import { slurmOptionsSchema, taskSchema } from './options.ts';
import type { QueuedTask } from './queue.ts';

const SUBMISSIONS = 'slurm';
const SUBMISSION = 'submission.json';
/** Not `plan.json`, which makes a folder a table. */
export const SUBMITTED_PLAN = 'submitted-plan.json';

const arraySchema = z.object({
  name: z.string(),
  /** The array's number. */
  job: z.string(),
  time: z.string(),
  mem: z.string(),
  /** By index: the names of the runs' folders. */
  runs: z.array(z.string()),
});

const submissionSchema = z.object({
  version: z.literal(1),
  created: z.string(),
  options: slurmOptionsSchema,
  task: taskSchema,
  arrays: z.array(arraySchema),
  /** The number of the job that reports. */
  report: z.string(),
});
export type Submission = z.infer<typeof submissionSchema> & {
  /** Its folder. */
  readonly dir: string;
};

/** Makes the folder of the next submission. */
export async function makeSubmissionFolder(files: FileSystem, folder: string): Promise<string> {
  const names = await files.list(`${folder}/${SUBMISSIONS}`);
  for (let number = 1 + Math.max(0, ...names.map(Number).filter(Number.isInteger)); ; number++) {
    const dir = `${folder}/${SUBMISSIONS}/${String(number).padStart(3, '0')}`;
    try {
      if (await files.makeFolder(dir)) return dir;
    } catch (error) {
      throw writeError(error, dir);
    }
  }
}

export async function writeSubmission(
  files: FileSystem,
  { dir, ...submission }: Submission,
): Promise<void> {
  await writeSealedJson(files, `${dir}/${SUBMISSION}`, submission);
}

/** All of a table, the oldest first. A folder without `submission.json` was given up half-way. */
export async function readSubmissions(files: FileSystem, folder: string): Promise<Submission[]> {
  const submissions: Submission[] = [];
  for (const name of (await files.list(`${folder}/${SUBMISSIONS}`)).sort()) {
    const dir = `${folder}/${SUBMISSIONS}/${name}`;
    const path = `${dir}/${SUBMISSION}`;
    const advice = 'remove it, and table6 no longer knows of those jobs';
    const submission = await readChecked(files, path, submissionSchema, advice);
    if (submission) submissions.push({ dir, ...submission });
  }
  return submissions;
}

/** The files of all submissions that have a checksum, by their paths in the table's folder. */
export async function submittedFiles(files: FileSystem, folder: string): Promise<string[]> {
  const submissions = (await files.list(`${folder}/${SUBMISSIONS}`)).sort();
  const found = submissions.map(async (name) => {
    const dir = `${SUBMISSIONS}/${name}`;
    const names = await files.list(`${folder}/${dir}`);
    return [SUBMISSION, SUBMITTED_PLAN]
      .filter((each) => names.includes(each))
      .map((each) => `${dir}/${each}`);
  });
  return (await Promise.all(found)).flat();
}

/** A task of an array, by the run that it trains. */
export interface SubmittedTask {
  readonly job: string;
  readonly index: number;
  /** Where its output goes. */
  readonly log: string;
  /** As it is in the queue; undefined where it is not. */
  readonly queued: QueuedTask | undefined;
}

/** The latest task of each run; one that is in the queue before one that is not. */
export function tasksByRun(
  submissions: readonly Submission[],
  queue: readonly QueuedTask[],
): Map<string, SubmittedTask> {
  const queued = new Map(queue.map((task) => [`${task.job}_${task.index}`, task]));
  const tasks = new Map<string, SubmittedTask>();
  for (const { dir, arrays } of submissions) {
    for (const { job, runs } of arrays) {
      for (const [index, run] of runs.entries()) {
        const task = {
          ...{ job, index, log: `${dir}/logs/${job}_${index}.txt` },
          queued: queued.get(`${job}_${index}`),
        };
        if (!tasks.get(run)?.queued || task.queued) tasks.set(run, task);
      }
    }
  }
  return tasks;
}
