// A table that was submitted to Slurm: its plan, what was submitted, and how it is getting on.

import { createSlurm, type Slurm } from '../../cluster/slurm/client.node.ts';
import { type RunStatus, readStatus } from '../../cluster/slurm/status.ts';
import { readSubmissions, type Submission } from '../../cluster/slurm/submissions.ts';
import { PLAN, type Plan } from '../../experiment/plan.ts';
import { readPlan } from '../../experiment/plan-folder.ts';
import { nodeHost } from '../../runs/runs.node.ts';
import { UserError } from '../../util/errors.ts';
import { didYouMean } from '../../util/suggest.ts';

export interface SlurmTable {
  readonly plan: Plan;
  readonly submissions: readonly Submission[];
  readonly runs: readonly RunStatus[];
  readonly slurm: Slurm;
}

/** @throws UserError where nothing was submitted, or Slurm does not answer */
export async function openSlurmTable(folder: string, slurm = createSlurm()): Promise<SlurmTable> {
  const plan = await readPlan(nodeHost.files, folder);
  if (!plan) {
    throw new UserError(`There is no table in "${folder}" (no ${PLAN}): give its folder.`);
  }
  const submissions = await readSubmissions(nodeHost.files, folder);
  if (submissions.length === 0) {
    throw new UserError(
      `Nothing of the table in "${folder}" was submitted to Slurm: do so with table6 slurm submit.`,
    );
  }
  const queue = await slurm.queue();
  const runs = await readStatus(nodeHost, folder, plan, submissions, queue);
  return { plan, submissions, runs, slurm };
}

/** @throws UserError where the table has no run of that name */
export function findRun(runs: readonly RunStatus[], name: string, folder: string): RunStatus {
  const run = runs.find((each) => each.run === name);
  if (run) return run;
  const names = runs.map((each) => each.run);
  throw new UserError(`The table in "${folder}" has no run "${name}".${didYouMean(name, names)}`, {
    exitCode: 2,
  });
}
