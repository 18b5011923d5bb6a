// Slurm's own commands: sbatch, squeue, scontrol, scancel. What they refuse becomes one sentence with
// their own reason in it, since only they know the cluster's rules.

import { execFile } from 'node:child_process';
import { messageOf, UserError } from '../../util/errors.ts';
import { PLAIN_FORMAT, parsePlainQueue, parseQueue, type QueuedTask } from './queue.ts';

/** Starts a command. @returns what it wrote, and how it ended */
export type Execute = (
  command: string,
  args: readonly string[],
) => Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;

export interface Slurm {
  /**
   * @param after the job waits until these have ended
   * @returns the job's number
   */
  submit(script: string, after?: readonly string[]): Promise<string>;
  /** The user's tasks that wait or run. */
  queue(): Promise<QueuedTask[]>;
  /** @param jobs numbers, or `number_index` for tasks of arrays */
  cancel(jobs: readonly string[]): Promise<void>;
  /** Most tasks of one array; undefined where Slurm does not say. */
  longestArray(): Promise<number | undefined>;
}

/** A cluster whose queue is longer is not read at once. */
const MOST_OUTPUT = 2 ** 30;

const executeHere: Execute = (command, args) =>
  new Promise((resolve, reject) => {
    const options = { maxBuffer: MOST_OUTPUT, encoding: 'utf8' } as const;
    execFile(command, [...args], options, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });

export function createSlurm(execute: Execute = executeHere, now = Date.now): Slurm {
  const run = async (command: string, args: readonly string[]) => {
    try {
      return await execute(command, args);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ENOENT') {
        throw new UserError(`${command} could not be started: ${messageOf(error)}.`);
      }
      throw new UserError(
        `There is no Slurm on this machine (no ${command} on the PATH): run this where jobs are submitted, a login node, or look at the scripts with table6 slurm submit --dry-run.`,
      );
    }
  };
  const demand = async (command: string, args: readonly string[], what: string) => {
    const { code, stdout, stderr } = await run(command, args);
    if (code === 0) return stdout;
    throw new UserError(`${what}: ${reasonOf(stderr || stdout)}`);
  };
  return {
    async submit(script, after = []) {
      const dependency = after.length > 0 ? [`--dependency=afterany:${after.join(':')}`] : [];
      const args = ['--parsable', ...dependency, script];
      const answer = await demand('sbatch', args, `Slurm refused "${script}"`);
      const [job = ''] = (answer.trim().split('\n').at(-1) ?? '').split(';');
      if (/^\d+$/.test(job)) return job;
      throw new UserError(
        `sbatch did not answer with a job's number, but with "${answer.trim()}".`,
      );
    },
    async queue() {
      const json = await run('squeue', ['--json']);
      if (json.code === 0) return parseQueue(json.stdout, now() / 1000);
      if (isUnreachable(json.stderr)) throw notReached(json.stderr);
      const args = ['--array', '--noheader', `--format=${PLAIN_FORMAT}`];
      return parsePlainQueue(await demand('squeue', args, "Slurm's queue could not be read"));
    },
    async cancel(jobs) {
      for (let at = 0; at < jobs.length; at += CANCELLED_AT_ONCE) {
        const some = jobs.slice(at, at + CANCELLED_AT_ONCE);
        const { code, stderr } = await run('scancel', some);
        // Ended in the meantime: what was wanted.
        if (code !== 0 && !/Invalid job id|already completed/i.test(stderr)) {
          throw new UserError(`scancel did not cancel ${some.join(', ')}: ${reasonOf(stderr)}`);
        }
      }
    },
    async longestArray() {
      const { code, stdout, stderr } = await run('scontrol', ['show', 'config']);
      if (code !== 0) throw notReached(stderr);
      const match = /^MaxArraySize\s*=\s*(\d+)/m.exec(stdout);
      return match ? Number(match[1]) : undefined;
    },
  };
}

const CANCELLED_AT_ONCE = 200;

const isUnreachable = (stderr: string) =>
  /Unable to contact|Connection refused|communicat|configuration source|DNS SRV/i.test(stderr);

function notReached(stderr: string): UserError {
  return new UserError(
    `Slurm's controller did not answer (${reasonOf(stderr).replace(/\.$/, '')}): check sinfo, or ask those who run the cluster.`,
  );
}

const PREFIX =
  /^(sbatch|squeue|scancel|scontrol): (error: |fatal: )?(Batch job submission failed: )?/;

/** The last line that Slurm wrote, without its own name and with a full stop. */
function reasonOf(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.replace(PREFIX, '').trim())
    .filter((line) => line !== '');
  const reason = lines.at(-1) ?? 'it gave no reason';
  return /[.!?]$/.test(reason) ? reason : `${reason}.`;
}
