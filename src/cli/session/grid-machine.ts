// What the runs of a table are computed with on this machine, and how that is told to the processes that
// train them: for `reproduce`, which trains a table here, and `task`, which trains one run of it.

import type { Dataset } from '../../data/dataset.ts';
import { heldOutImages } from '../../data/validation.ts';
import type { LauncherOptions } from '../../experiment/jobs.node.ts';
import { type Cell, cellConfig, cellSettings, type Plan } from '../../experiment/plan.ts';
import {
  DEFAULTS,
  MACHINE_SETTING_NAMES,
  type MachineSetting,
  optionName,
  type TrainConfig,
} from '../../train/config.ts';
import { pick } from '../../util/objects.ts';
import type { Terminal } from '../console/terminal.ts';
import type { TypedSettings } from '../setting-options.ts';
import { backendOptions } from './backend.ts';
import { openDataset } from './dataset.ts';

type TypedMachine = Pick<TypedSettings, MachineSetting>;

/** What each run is trained with here. */
export type Machine = Pick<TrainConfig, MachineSetting>;

/** @throws UserError for what this machine, or the plan's precision, does not allow */
export function machineOf(typed: TypedMachine, threads: number, half: boolean): Machine {
  const whole = { ...DEFAULTS, ...pick(typed, MACHINE_SETTING_NAMES) };
  const machine = pick(whole, MACHINE_SETTING_NAMES) as Machine;
  const checked = backendOptions({ ...whole, half, threads });
  return { ...machine, ...pick(checked, ['device', 'threads']) };
}

/** The options that a run's processes get. */
export function machineArguments(
  machine: Machine,
  offline: boolean,
): Pick<LauncherOptions, 'shared' | 'resume' | 'evaluate'> {
  const typed = (names: readonly MachineSetting[]) =>
    names.map((name) => `${optionName(name)}=${machine[name]}`);
  return {
    shared: [...typed(['threads']), ...(offline ? ['--offline'] : [])],
    resume: typed(['memory']),
    evaluate: typed(['device', 'convolution', 'tensorCores', 'tune']),
  };
}

/** Whether any run of a plan is trained in half precision, which not every machine can. */
export function anyHalf(plan: Plan): boolean {
  return plan.cells.some((cell) => cellSettings(plan, cell).half === true);
}

export interface TableOptions {
  readonly plan: Plan;
  readonly machine: Machine;
  /** Of the validation split, where the plan holds one out. */
  readonly seed: number;
  readonly offline: boolean;
  readonly terminal: Terminal;
}

/** A table's images, and what each of its runs is trained with here. */
export async function openTable({ plan, machine, seed, offline, terminal }: TableOptions): Promise<{
  readonly dataset: Dataset;
  readonly configOf: (cell: Cell) => TrainConfig;
}> {
  const { data, validation } = plan.settings;
  const dataset = await openDataset(data, terminal, { validation, seed, offline });
  const counts = {
    classes: dataset.classes.length,
    validation: heldOutImages(dataset, validation),
  };
  return { dataset, configOf: (cell) => ({ ...cellConfig(plan, cell, counts), ...machine }) };
}
