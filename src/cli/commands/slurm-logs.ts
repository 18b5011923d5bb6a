// `table6 slurm logs`: what a run's task wrote, over all its restarts.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { trimSlash } from '../../runs/run.ts';
import { UserError } from '../../util/errors.ts';
import { fileError, systemCode } from '../../util/system-errors.ts';
import { defineCommand } from '../command.ts';
import { print, printJson } from '../console/print.ts';
import { jsonOption } from '../session/common-options.ts';

import { findRun, openSlurmTable } from '../session/slurm-table.ts';
import { integer } from '../values.ts';
import { planTable } from './reproduce-options.ts';

export const slurmLogs = defineCommand({
  arguments: [{ name: 'RUN', help: "a run's folder, or its name in runs/table6", required: true }],
  options: {
    lines: integer({ help: 'How many of its last lines; 0 for all', initial: 40, minimum: 0 }),
    json: jsonOption,
  },
  examples: [
    { command: 'slurm logs runs/table6/resnet20-notebook-seed1', help: 'The end of its output' },
    { command: 'slurm logs resnet20-notebook-seed1 --lines 0', help: 'All of it' },
  ],
  async run({ values, positionals }) {
    const typed = trimSlash(positionals[0]!);
    const isName = path.dirname(typed) === '.';
    const folder = isName ? planTable.saveDir.initial : path.dirname(typed);
    const { runs } = await openSlurmTable(folder);
    const { run, task, log, state } = findRun(runs, path.basename(typed), folder);
    if (log === undefined) {
      throw new UserError(`The run "${run}" was not submitted to Slurm: see table6 slurm status.`);
    }
    const text = await readFile(log, 'utf8').catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw fileError(error, { path: log, doing: 'read' });
      throw new UserError(`The task ${task} of "${run}" has written nothing yet (it is ${state}).`);
    });
    const all = text.replace(/\n$/, '').split('\n');
    const shown = values.lines === 0 ? all : all.slice(-values.lines);
    if (values.json) printJson({ run, task, log, lines: shown });
    else print([`==> ${log} <==`, ...shown].join('\n'));
    return 0;
  },
});
