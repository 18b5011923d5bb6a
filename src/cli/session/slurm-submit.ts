// What `slurm submit` and `slurm retry` do once they know which runs are meant: check what can be checked
// before anything waits in a queue, measure what was not asked for, and submit or show.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { quoted } from '../../cluster/quoted.ts';
import { createSlurm, type Slurm } from '../../cluster/slurm/client.node.ts';
import type { SlurmOptions } from '../../cluster/slurm/options.ts';
import type { QueuedTask } from '../../cluster/slurm/queue.ts';
import { isQueued, type RunStatus, readStatus } from '../../cluster/slurm/status.ts';
import { readSubmissions } from '../../cluster/slurm/submissions.ts';
import { prepare, type Request, submit } from '../../cluster/slurm/submit.ts';
import { cacheFolder } from '../../data/load.node.ts';
import { type Cell, cellFolder, type Plan } from '../../experiment/plan.ts';
import { nodeHost } from '../../runs/runs.node.ts';
import { MACHINE_SETTING_NAMES, optionName } from '../../train/config.ts';
import { UserError } from '../../util/errors.ts';
import { plural } from '../../util/format.ts';
import { pick } from '../../util/objects.ts';
import type { Terminal } from '../console/terminal.ts';
import type { TypedSettings } from '../setting-options.ts';
import { defaultThreads } from './backend.ts';
import { anyHalf, machineOf } from './grid-machine.ts';
import { isForAll, needsOfRuns } from './grid-needs.ts';

/** Slurm's own default, where nobody can be asked. */
const DEFAULT_LONGEST_ARRAY = 1001;
/** Cores of a task, where nothing is said. */
const DEFAULT_THREADS = 4;
const BIN = path.join(import.meta.dirname, '..', '..', '..', 'bin', 'table6.js');

export interface SlurmJob {
  readonly folder: string;
  readonly plan: Plan;
  /** Writes the plan, once nothing can be refused any more but by Slurm. */
  readonly freeze: () => Promise<Plan>;
  readonly options: SlurmOptions;
  /** As typed, or as an earlier submission had them. */
  readonly machine: Pick<TypedSettings, (typeof MACHINE_SETTING_NAMES)[number]>;
  /** Which of the runs that nobody is on. */
  readonly wanted: (run: RunStatus) => boolean;
  readonly offline: boolean;
  readonly dryRun: boolean;
  readonly terminal: Terminal;
  readonly slurm?: Slurm;
}

/** @returns what was submitted, as JSON gives it */
export async function submitRuns(job: SlurmJob): Promise<object> {
  const { folder, plan, dryRun, terminal, slurm = createSlurm() } = job;
  const options = wholePaths(job.options);
  const cluster = await askCluster(slurm, dryRun, terminal);
  const submissions = await readSubmissions(nodeHost.files, folder);
  const status = await readStatus(nodeHost, folder, plan, submissions, cluster.queue);
  const left = status.filter((run) => run.state !== 'finished');
  const busy = left.filter(isQueued);
  const runs = new Set(
    left.filter((run) => !isQueued(run) && job.wanted(run)).map(({ run }) => run),
  );
  const cells = plan.cells.filter((cell) => runs.has(cellFolder(cell)));
  const done = status.length - left.length;
  terminal.line(
    `runs     ${plural(cells.length, 'run')} to submit; ${done} finished, ${busy.length} in the queue, of ${status.length}`,
  );
  if (cells.length === 0) return { submitted: [] };
  const task = taskOf(job, options);
  const needs = await check(job, cells, options, task);
  const request: Request = {
    ...{ plan, cells, needs, options, longestArray: cluster.longestArray },
    task: { arguments: task.arguments, threads: task.threads },
    surroundings: surroundingsOf(path.resolve(folder), plan),
  };
  if (dryRun) {
    const { scripts, report } = prepare(request, path.resolve(folder, 'slurm', 'NEXT'));
    for (const { name, text } of [...scripts, report])
      terminal.line(`\n# ==> ${name} <==\n${text}`);
    return { scripts: [...scripts, report] };
  }
  const submission = await submit(nodeHost, slurm, { ...request, plan: await job.freeze() });
  for (const { name, job: id, runs: trained, time, mem } of submission.arrays) {
    terminal.line(
      `array    ${id}  ${name}: ${plural(trained.length, 'run')}, ${time} and ${mem} each`,
    );
  }
  terminal.line(`report   ${submission.report}  after them, into ${folder}/report`);
  terminal.line(`scripts  ${submission.dir}`);
  terminal.line(`next     table6 slurm status ${quoted(folder)}`);
  return submission;
}

/** What Slurm says before anything is asked of it; a dry run does without. */
async function askCluster(
  slurm: Slurm,
  dryRun: boolean,
  terminal: Terminal,
): Promise<{ longestArray: number; queue: QueuedTask[] }> {
  try {
    const longestArray = (await slurm.longestArray()) ?? DEFAULT_LONGEST_ARRAY;
    return { longestArray, queue: await slurm.queue() };
  } catch (error) {
    if (!dryRun || !(error instanceof UserError)) throw error;
    terminal.line(`# ${error.message}`);
    terminal.line(`# Arrays are cut at ${DEFAULT_LONGEST_ARRAY} tasks, Slurm's default.`);
    return { longestArray: DEFAULT_LONGEST_ARRAY, queue: [] };
  }
}

function taskOf({ machine, plan }: SlurmJob, { gres }: SlurmOptions) {
  const threads = machine.threads ?? DEFAULT_THREADS;
  const hasGpu = gres?.split(',').some((each) => /^(gres[/:])?gpu\b/.test(each.trim())) ?? false;
  const device = machine.device ?? (hasGpu ? 'webgpu' : 'cpu');
  const typed = { ...machine, device, threads };
  const names = MACHINE_SETTING_NAMES.filter((name) => typed[name] !== undefined);
  // Refused here rather than on every node; how many threads are too many, a node has to say.
  const here = machineOf(typed, Math.min(threads, defaultThreads()), anyHalf(plan));
  return {
    arguments: [...names.map((name) => `${optionName(name)}=${typed[name]}`), '--offline'],
    threads,
    here,
  };
}

/** Loads the data, which no node can download, and measures what was not given. */
async function check(
  job: SlurmJob,
  cells: readonly Cell[],
  { time, mem, setup, container }: SlurmOptions,
  { here }: ReturnType<typeof taskOf>,
): Promise<Request['needs']> {
  for (const file of [setup, container]) {
    if (file !== undefined && !existsSync(file)) {
      throw new UserError(`There is no file "${file}".`, { exitCode: 2 });
    }
  }
  const measure = !(isForAll(time) && isForAll(mem));
  return await needsOfRuns({ ...job, cells, machine: here, measure, saidBy: '--time and --mem' });
}

function wholePaths(options: SlurmOptions): SlurmOptions {
  const files = pick(options, ['setup', 'container']);
  const whole = Object.entries(files).map(([name, file]) => [name, path.resolve(file)]);
  return { ...options, ...Object.fromEntries(whole) };
}

function surroundingsOf(folder: string, { settings }: Plan): Request['surroundings'] {
  const workingFolder = process.cwd();
  const data = cacheFolder();
  const shown = [folder, workingFolder, data, path.resolve(settings.data)];
  return {
    ...{ folder, workingFolder, data, program: BIN, node: process.execPath },
    binds: [...new Set(shown.filter((each) => each === folder || existsSync(each)))],
  };
}
