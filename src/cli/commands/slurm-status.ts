// `table6 slurm status`: every run of a table, from Slurm's queue and the run folders at once.

import { countStates, type RunStatus } from '../../cluster/slurm/status.ts';
import { formatDuration, formatPercent, formatRate } from '../../util/format.ts';
import { defineCommand } from '../command.ts';
import { print, printJson } from '../console/print.ts';
import { jsonOption } from '../session/common-options.ts';
import { formatTable } from '../session/output.ts';
import { openSlurmTable } from '../session/slurm-table.ts';
import { TABLE_ARGUMENT, tableFolder } from './slurm-folder.ts';

export const slurmStatus = defineCommand({
  description:
    "Joins Slurm's queue with the run folders, so it knows of runs that Slurm has long forgotten, and needs no accounting database. Time left is training's; limit is when Slurm will end the task, which then goes on with the next.",
  arguments: [TABLE_ARGUMENT],
  options: { json: jsonOption },
  examples: [
    { command: 'slurm status', help: 'The table in runs/table6' },
    { command: 'slurm status runs/deep --json', help: 'For another program' },
  ],
  async run({ values, positionals }) {
    const folder = tableFolder(positionals);
    const { runs } = await openSlurmTable(folder);
    const counts = countStates(runs);
    if (values.json) {
      printJson({ folder, counts, runs });
      return 0;
    }
    print(statusTable(runs));
    const parts = Object.entries(counts).map(([state, count]) => `${count} ${state}`);
    print(`\n${runs.length} runs: ${parts.join(', ')}`);
    for (const { run, state, message } of runs) {
      if (state === 'failed') print(`${run} failed: ${message ?? 'it is not known why'}`);
    }
    return 0;
  },
});

const HEADER = [
  ...['run', 'state', 'node', 'epoch', 'images/s', 'left', 'limit', 'restarts', 'error'],
];

function statusTable(runs: readonly RunStatus[]): string {
  const rows = runs.map((run) => [
    run.run,
    run.state === 'waiting' && run.message ? `waiting (${run.message})` : run.state,
    run.node ?? '',
    run.epochs === undefined ? '' : `${run.epochsDone}/${run.epochs}`,
    run.imagesPerSecond === undefined ? '' : formatRate(run.imagesPerSecond),
    run.secondsLeft === undefined ? '' : formatDuration(run.secondsLeft),
    run.limitLeft === undefined ? '' : formatDuration(run.limitLeft),
    String(run.restarts),
    run.error === undefined ? '' : formatPercent(run.error),
  ]);
  return formatTable(HEADER, rows, (column) => column > 2);
}
