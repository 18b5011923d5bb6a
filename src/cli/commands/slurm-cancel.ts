// `table6 slurm cancel`: takes a table's tasks out of Slurm's queue. What runs saves first, and nothing
// that was trained is lost.

import { isQueued } from '../../cluster/slurm/status.ts';
import { plural } from '../../util/format.ts';
import { defineCommand } from '../command.ts';
import { printJson } from '../console/print.ts';
import { jsonOption } from '../session/common-options.ts';
import { progressTerminal } from '../session/output.ts';
import { findRun, openSlurmTable } from '../session/slurm-table.ts';
import { text } from '../values.ts';
import { TABLE_ARGUMENT, tableFolder } from './slurm-folder.ts';

export const slurmCancel = defineCommand({
  description:
    'Tasks that run are told to save, and end; what was trained is kept, and table6 slurm retry goes on with it. Without --run the reporting job is cancelled, too.',
  arguments: [TABLE_ARGUMENT],
  options: {
    run: text({ help: 'Only this run, such as resnet20-notebook-seed1', placeholder: '<run>' }),
    json: jsonOption,
  },
  examples: [
    { command: 'slurm cancel', help: 'All of runs/table6' },
    { command: 'slurm cancel runs/deep --run resnet1202-notebook-seed1', help: 'One run of it' },
  ],
  async run({ values, positionals }) {
    const folder = tableFolder(positionals);
    const terminal = progressTerminal(values.json);
    const { runs, slurm, submissions } = await openSlurmTable(folder);
    const meant = values.run === undefined ? runs : [findRun(runs, values.run, folder)];
    const queued = meant.filter((run) => isQueued(run) && run.task !== undefined);
    const tasks = queued.map(({ task }) => task as string);
    const reports = values.run === undefined ? submissions.map(({ report }) => report) : [];
    const open = new Set((await slurm.queue()).map(({ job }) => job));
    const jobs = [...tasks, ...reports.filter((job) => open.has(job))];
    await slurm.cancel(jobs);
    terminal.line(
      tasks.length === 0
        ? 'None of them was in the queue.'
        : `${plural(tasks.length, 'run')} cancelled: ${queued.map(({ run }) => run).join(', ')}`,
    );
    if (values.json) printJson({ cancelled: jobs });
    return 0;
  },
});
