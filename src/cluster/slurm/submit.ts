// From runs to jobs in Slurm's queue: all of them, or none. The scripts and the plan are written beside
// the table before sbatch reads them, and what was submitted is written down after each job, so that
// nothing is in the queue that `status` and `cancel` do not know of.

import { type Cell, cellFolder, type Plan } from '../../experiment/plan.ts';
import { writeAtomically } from '../../runs/file-system.ts';
import type { RunHost } from '../../runs/run.ts';
import { writeSealedJson } from '../../runs/sealed-json.ts';
import { UserError } from '../../util/errors.ts';
import { makeArrays, memoryToAsk, type Need, type TaskArray, timeToAsk } from '../arrays.ts';
import type { Slurm } from './client.node.ts';
import type { SlurmOptions, TaskSettings } from './options.ts';
import { type ArrayScript, arrayScript, type Places, reportScript } from './script.ts';
import {
  makeSubmissionFolder,
  SUBMITTED_PLAN,
  type Submission,
  writeSubmission,
} from './submissions.ts';
import { type ByNetwork, formatTime, ofNetwork, parseByNetwork, parseTime } from './time.ts';

/** Where things are, but for what is in the submission's folder. */
export type Surroundings = Omit<Places, 'plan' | 'logs'>;

export interface Request {
  readonly plan: Plan;
  /** What is to be trained. */
  readonly cells: readonly Cell[];
  /** By the runs' folders; those that were measured. */
  readonly needs: ReadonlyMap<string, Need>;
  readonly options: SlurmOptions;
  readonly task: TaskSettings;
  readonly surroundings: Surroundings;
  /** Most tasks of one array. */
  readonly longestArray: number;
}

/** A script and what it is called. */
export interface NamedScript {
  readonly name: string;
  readonly text: string;
}

export interface Prepared {
  readonly arrays: readonly ArrayScript[];
  readonly scripts: readonly NamedScript[];
  readonly report: NamedScript;
}

const REPORT = 'report.sbatch';

/**
 * The scripts of a submission in a folder.
 * @throws UserError where a time or memory is neither given nor measured, or too short to save in
 */
export function prepare(request: Request, dir: string): Prepared {
  const { options, task, surroundings } = request;
  const places = { ...surroundings, plan: `${dir}/${SUBMITTED_PLAN}`, logs: `${dir}/logs` };
  const arrays = makeArrays(request.cells, request.longestArray).map((array) =>
    withResources(array, request),
  );
  return {
    arrays,
    scripts: arrays.map((array) => ({
      name: `${array.name}.sbatch`,
      text: arrayScript(array, places, options, task),
    })),
    report: { name: REPORT, text: reportScript(places, options) },
  };
}

export const isTime = (text: string) => parseTime(text) !== undefined;
export const isMemory = (text: string) => /^\d+[KMGT]?$/i.test(text);
export const TIME_EXAMPLE =
  'a time of Slurm (90, 4:00:00, 2-00:00:00), or one for each of some networks (4:00:00,resnet1202=2-00:00:00)';
export const MEMORY_EXAMPLE =
  'an amount of memory (2G, 512M), or one for each of some networks (2G,resnet1202=8G)';

function withResources(array: TaskArray, { options, needs }: Request): ArrayScript {
  const { time, mem, grace } = options;
  const times = time === undefined ? undefined : parseByNetwork(time, isTime, TIME_EXAMPLE);
  const memories = mem === undefined ? undefined : parseByNetwork(mem, isMemory, MEMORY_EXAMPLE);
  const seconds = greatest(array, needs, times, (text) => parseTime(text) ?? 0, timeToAsk);
  const mebibytes = greatest(array, needs, memories, toMebibytes, memoryToAsk);
  if (seconds <= grace) {
    throw new UserError(
      `The time limit of ${formatTime(seconds)} for ${array.name} is not longer than the ${grace} s before it at which a run is told to save, so nothing would be trained: ask for more time, or for fewer seconds.`,
      { exitCode: 2 },
    );
  }
  const memory = mebibytes % 1024 === 0 ? `${mebibytes / 1024}G` : `${mebibytes}M`;
  return { ...array, time: formatTime(seconds), mem: memory };
}

/** What the neediest of an array's runs gets. */
function greatest(
  { name, cells }: TaskArray,
  needs: ReadonlyMap<string, Need>,
  given: ByNetwork | undefined,
  read: (text: string) => number,
  estimate: (need: Need) => number,
): number {
  return Math.max(
    ...cells.map((cell) => {
      const text = given && ofNetwork(given, cell.arch);
      if (text !== undefined) return read(text);
      const need = needs.get(cellFolder(cell));
      if (need) return estimate(need);
      throw new UserError(`Neither the time nor the memory of ${name} is given or measured.`);
    }),
  );
}

/** `2G` as MiB. */
export function toMebibytes(text: string): number {
  const factors: Readonly<Record<string, number>> = { K: 1 / 1024, M: 1, G: 1024, T: 1024 ** 2 };
  const unit = /[KMGT]$/i.exec(text)?.[0].toUpperCase() ?? 'M';
  return Math.ceil(Number.parseInt(text, 10) * (factors[unit] ?? 1));
}

/** Submits all, or nothing. */
export async function submit(host: RunHost, slurm: Slurm, request: Request): Promise<Submission> {
  const { files } = host;
  const { plan, options, task, surroundings } = request;
  const dir = await makeSubmissionFolder(files, surroundings.folder);
  const submitted: string[] = [];
  try {
    const { arrays, scripts, report } = prepare(request, dir);
    await files.makeFolder(`${dir}/logs`);
    await writeSealedJson(files, `${dir}/${SUBMITTED_PLAN}`, plan);
    for (const { name, text } of [...scripts, report]) {
      await writeAtomically(files, `${dir}/${name}`, text);
    }
    let submission: Submission = {
      ...{ dir, version: 1, created: new Date(host.self.now()).toISOString() },
      ...{ options, task, arrays: [], report: '' },
    };
    for (const [index, { name, cells, time, mem }] of arrays.entries()) {
      const job = await slurm.submit(`${dir}/${scripts[index]!.name}`);
      submitted.push(job);
      const array = { name, job, time, mem, runs: cells.map(cellFolder) };
      submission = { ...submission, arrays: [...submission.arrays, array] };
      await writeSubmission(files, submission);
    }
    const job = await slurm.submit(`${dir}/${report.name}`, [...submitted]);
    submission = { ...submission, report: job };
    submitted.push(job);
    await writeSubmission(files, submission);
    return submission;
  } catch (error) {
    // Half a table in the queue would be a surprise later.
    if (submitted.length > 0) await slurm.cancel(submitted);
    await files.removeFolder(dir);
    throw error;
  }
}
