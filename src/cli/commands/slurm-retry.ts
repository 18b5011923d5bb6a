// `table6 slurm retry`: submits again what is neither finished nor in the queue, as it was submitted
// before.

import { writePlan } from '../../experiment/plan-folder.ts';
import { nodeHost } from '../../runs/runs.node.ts';
import { MACHINE_SETTING_NAMES } from '../../train/config.ts';
import { GROUPS } from '../../train/setting.ts';
import { pick } from '../../util/objects.ts';
import { defineCommand } from '../command.ts';
import { printJson } from '../console/print.ts';
import { parseCommandLine } from '../options.ts';
import { jsonOption, offlineOption } from '../session/common-options.ts';
import { progressTerminal } from '../session/output.ts';
import { submitRuns } from '../session/slurm-submit.ts';
import { openSlurmTable } from '../session/slurm-table.ts';
import { settingOptions } from '../setting-options.ts';
import { flag } from '../values.ts';
import { TABLE_ARGUMENT, tableFolder } from './slurm-folder.ts';
import { slurmOptions, slurmOptionsOf } from './slurm-options.ts';
import { task } from './task.ts';

const unlessGiven = { shownDefault: 'as submitted before' };
const asBefore = Object.fromEntries(
  Object.entries(slurmOptions).map(([name, option]) => [name, { ...option, ...unlessGiven }]),
) as typeof slurmOptions;

export const slurmRetry = defineCommand({
  description:
    'Runs that failed, were cancelled or never began are submitted with what they were submitted with the last time, but for the options that are given; those that were trained for a while go on where they were. Call it as often as you like: a run that a task is on is left alone.',
  arguments: [TABLE_ARGUMENT],
  options: {
    failed: flag({ help: 'Only the runs that failed', group: 'Slurm' }),
    dryRun: flag({ help: 'Print the scripts, and submit and write nothing', group: 'Slurm' }),
    ...asBefore,
    ...settingOptions(MACHINE_SETTING_NAMES, 'Each task'),
    offline: { ...offlineOption, group: GROUPS.machine },
    json: { ...jsonOption, group: GROUPS.machine },
  },
  examples: [
    { command: 'slurm retry', help: 'What is left of runs/table6' },
    {
      command: 'slurm retry runs/deep --failed --mem 16G',
      help: 'What failed, with more memory than before',
    },
  ],
  async run({ values, positionals }) {
    const folder = tableFolder(positionals);
    const terminal = progressTerminal(values.json);
    const { plan, submissions } = await openSlurmTable(folder);
    const before = submissions.at(-1)!;
    const { values: told } = parseCommandLine('task', task.options, [], before.task.arguments);
    const result = await submitRuns({
      ...{ folder, plan, terminal, offline: values.offline, dryRun: values.dryRun },
      freeze: () => writePlan(nodeHost, folder, { settings: {} }),
      options: slurmOptionsOf(values, before.options),
      machine: { ...pick(told, MACHINE_SETTING_NAMES), ...pick(values, MACHINE_SETTING_NAMES) },
      wanted: ({ state }) => !values.failed || state === 'failed',
    });
    if (values.json) printJson(result);
    return 0;
  },
});
