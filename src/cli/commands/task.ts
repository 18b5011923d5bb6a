// `table6 task`: one run of a table, for whoever starts it: a batch script, a pod, a person. It may be
// started as often as one likes; its exit code says whether another time is worth it.

import { DEFECT, exitCodeOf, NEVER_RETRY, SAVED, TRY_LATER } from '../../cluster/exit-codes.ts';
import { findCell } from '../../cluster/find-cell.ts';
import { work } from '../../cluster/work.ts';
import { beginning, createLauncher } from '../../experiment/jobs.node.ts';
import { type Cell, cellFolder, cellName, cellSettings, type Plan } from '../../experiment/plan.ts';
import { nodeFileSystem } from '../../runs/file-system.node.ts';
import { EVALUATION } from '../../runs/layout.ts';
import { trimSlash } from '../../runs/run.ts';
import { nodeHost, openRun } from '../../runs/runs.node.ts';
import { MACHINE_SETTING_NAMES } from '../../train/config.ts';
import { GROUPS } from '../../train/setting.ts';
import { UserError } from '../../util/errors.ts';
import { repairable, worded } from '../advice.ts';
import { defineCommand } from '../command.ts';
import { printJson } from '../console/print.ts';
import type { Terminal } from '../console/terminal.ts';
import { parseCommandLine, type Values } from '../options.ts';
import { defaultThreads } from '../session/backend.ts';
import { jsonOption, offlineOption } from '../session/common-options.ts';
import { type Machine, machineArguments, machineOf, openTable } from '../session/grid-machine.ts';
import { endOnSignals } from '../session/interrupt.ts';
import { checkOneGpu } from '../session/one-gpu.ts';
import { progressTerminal } from '../session/output.ts';
import { settingOptions } from '../setting-options.ts';
import { text } from '../values.ts';
import { train } from './train.ts';

const options = {
  plan: text({
    help: 'The plan as it was submitted: a run whose plan has changed since is refused; a folder without a plan gets this one',
    placeholder: '<plan.json>',
  }),
  ...settingOptions(MACHINE_SETTING_NAMES, GROUPS.machine),
  offline: { ...offlineOption, group: GROUPS.machine },
  json: { ...jsonOption, group: GROUPS.machine },
};

export const task = defineCommand({
  description: `Begins the run, goes on with it, or leaves it alone where it is finished, so it may be started again at any time. A run that another process has is waited for. USR2, TERM and Ctrl-C finish the step and save. Exit codes: 0 finished, ${NEVER_RETRY} wrong input and ${DEFECT} a defect (trying again does not help), ${SAVED.join(' and ')} saved and stopped, ${TRY_LATER} another process has the run or its summary could not be written, 1 something that may go better another time. table6 slurm submit and table6 k8s manifest write what calls this.`,
  arguments: [
    { name: 'FOLDER', help: "the table's folder, with its plan.json", required: true },
    {
      name: 'RUN',
      help: "the run's folder in it, such as resnet20-notebook-seed1",
      required: true,
    },
  ],
  options,
  examples: [
    {
      command: 'task runs/table6 resnet20-notebook-seed1 --threads 4 --offline',
      help: 'One run of a table that table6 reproduce or slurm submit has planned',
    },
  ],
  async run({ values, positionals }) {
    const terminal = progressTerminal(values.json);
    const [folder, run] = [trimSlash(positionals[0]!), trimSlash(positionals[1]!)];
    let exitCode: number;
    try {
      exitCode = await perform(folder, run, values, terminal);
    } catch (error) {
      const known = repairable(error);
      if (!known) throw error;
      // Its sentence, with the exit code that says whether to come back.
      throw new UserError(worded(known, 'train'), { exitCode: exitCodeOf(known), cause: known });
    }
    if (values.json) {
      const dir = `${folder}/${run}`;
      printJson({ run: dir, exitCode, ...(await openRun(dir).catch(() => undefined))?.summary });
    }
    return exitCode;
  },
});

async function perform(
  folder: string,
  run: string,
  values: Values<typeof options>,
  terminal: Terminal,
): Promise<number> {
  // Nothing is trained yet that could be saved; and process 1 of a container hears no signal unasked.
  const waiting = endOnSignals();
  const { plan, cell } = await findCell({
    ...{ host: nodeHost, folder, run, submitted: values.plan },
    onWait: (path) => terminal.line(`waiting for "${path}", which is not here yet`),
  });
  const threads = values.threads ?? defaultThreads();
  const machine = machineOf(values, threads, cellSettings(plan, cell).half === true);
  await checkOneGpu(machine.device);
  const place: Place = { folder, plan, cell, machine, offline: values.offline, terminal };
  const code = await work({
    ...{ host: nodeHost, folder, cell },
    say: (line) => terminal.line(line),
    train(dir, resume) {
      waiting[Symbol.dispose]();
      return resume ? goOn(place, dir) : begin(place, dir);
    },
  });
  waiting[Symbol.dispose]();
  if (code === 0) await evaluateFinished(place);
  return code;
}

interface Place {
  readonly folder: string;
  readonly plan: Plan;
  readonly cell: Cell;
  readonly machine: Machine;
  readonly offline: boolean;
  readonly terminal: Terminal;
}

/** As `reproduce` begins it: from a configuration in its folder. */
async function begin(place: Place, dir: string): Promise<number> {
  const { configOf } = await openTable({ ...place, seed: place.cell.seed });
  return await trainHere(await beginning(dir, configOf(place.cell)), place);
}

function goOn(place: Place, dir: string): Promise<number> {
  const { resume } = machineArguments(place.machine, place.offline);
  return trainHere([`--resume=${dir}`, ...resume], place);
}

/** In this process, so that signals and errors need no messenger. */
function trainHere(args: readonly string[], place: Place): Promise<number> {
  const { shared } = machineArguments(place.machine, place.offline);
  const argv = [...args, '--log=plain', ...shared];
  return train.run(parseCommandLine('train', train.options, train.arguments, argv));
}

/** For the report's confusion matrix; a run is finished without it, too. */
async function evaluateFinished(place: Place): Promise<void> {
  const { folder, plan, cell, machine, offline, terminal } = place;
  const dir = `${folder}/${cellFolder(cell)}`;
  if ((await nodeFileSystem.list(dir)).includes(EVALUATION)) return;
  const launcher = createLauncher({
    settings: plan.settings,
    configOf: () => {
      throw new Error('a finished run is not begun');
    },
    ...machineArguments(machine, offline),
  });
  const job = await launcher.evaluate(cell, dir);
  const { exitCode, message } = await job.ended;
  if (exitCode !== 0) {
    terminal.line(
      `${cellName(cell)} has no confusion matrix, because its evaluation failed: ${message}`,
    );
  }
}
