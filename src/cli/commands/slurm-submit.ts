// `table6 slurm submit`: the plan of `reproduce`, trained by the tasks of a Slurm cluster.

import { makePlan } from '../../experiment/plan.ts';
import { readPlan, writePlan } from '../../experiment/plan-folder.ts';
import { trimSlash } from '../../runs/run.ts';
import { nodeHost } from '../../runs/runs.node.ts';
import { MACHINE_SETTING_NAMES } from '../../train/config.ts';
import { GROUPS } from '../../train/setting.ts';
import { pick } from '../../util/objects.ts';
import { defineCommand } from '../command.ts';
import { printJson } from '../console/print.ts';
import { jsonOption, offlineOption } from '../session/common-options.ts';
import { progressTerminal } from '../session/output.ts';
import { submitRuns } from '../session/slurm-submit.ts';
import { settingOptions } from '../setting-options.ts';
import { flag } from '../values.ts';
import { planRequest, planTable } from './reproduce-options.ts';
import { slurmOptions, slurmOptionsOf } from './slurm-options.ts';

const machine = settingOptions(MACHINE_SETTING_NAMES, 'Each task');

export const slurmSubmit = defineCommand({
  description:
    "Plans as table6 reproduce does and submits what is neither finished nor in the queue: one task of an array is one run, deep networks get arrays of their own, and a last job reports. Before its time is over a task saves and puts itself back into the queue; started again, it goes on where it was. The table's folder, the data and this program have to be on a disk that all nodes share. Call it again for more seeds or networks.",
  arguments: [],
  options: {
    ...planTable,
    dryRun: flag({ help: 'Print the scripts, and submit and write nothing', group: 'Slurm' }),
    ...slurmOptions,
    ...machine,
    threads: {
      ...machine.threads,
      help: 'Cores of each task, and threads of the CPU engine',
      shownDefault: '4',
    },
    device: { ...machine.device, shownDefault: 'webgpu with --gres gpu, else cpu' },
    offline: {
      ...offlineOption,
      help: 'Never download here; nodes never do',
      group: GROUPS.machine,
    },
    json: { ...jsonOption, group: GROUPS.machine },
  },
  examples: [
    { command: 'slurm submit --archs all --dry-run', help: 'The scripts for all of Table 6' },
    {
      command: 'slurm submit --archs all --partition gpu --gres gpu:1 --time 4:00:00 --mem 4G',
      help: 'On GPU nodes, submitted where there is none to measure on',
    },
    {
      command: 'slurm submit --seeds 10 --array-limit 8 --setup modules.sh',
      help: 'More seeds, eight runs at a time, after sourcing a file',
    },
  ],
  async run({ values }) {
    const terminal = progressTerminal(values.json);
    const options = slurmOptionsOf(values);
    const request = planRequest(values);
    const folder = trimSlash(values.saveDir);
    const plan = makePlan(request, await readPlan(nodeHost.files, folder));
    const result = await submitRuns({
      ...{ folder, plan, options, terminal },
      ...{ offline: values.offline, dryRun: values.dryRun },
      freeze: () => writePlan(nodeHost, folder, request),
      machine: pick(values, MACHINE_SETTING_NAMES),
      wanted: () => true,
    });
    if (values.json) printJson(result);
    return 0;
  },
});
