// What the runs of a table are computed with on this machine, and how that is told to the processes that
// train them: for `reproduce`, which trains a table here, and `task`, which trains one run of it.

import type { LauncherOptions } from '../../experiment/jobs.node.ts';
import { cellSettings, type Plan } from '../../experiment/plan.ts';
import {
  DEFAULTS,
  MACHINE_SETTING_NAMES,
  type MachineSetting,
  optionName,
  type TrainConfig,
} from '../../train/config.ts';
import { pick } from '../../util/objects.ts';
import type { TypedSettings } from '../setting-options.ts';
import { backendOptions } from './backend.ts';

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
