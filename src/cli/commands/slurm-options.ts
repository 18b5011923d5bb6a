// What is asked of Slurm, for `submit` and `retry`: the second takes what the first was given, but for
// what is given anew.

import type { SlurmOptions } from '../../cluster/slurm/options.ts';
import { isMemory, isTime, MEMORY_EXAMPLE, TIME_EXAMPLE } from '../../cluster/slurm/submit.ts';
import { parseByNetwork } from '../../cluster/slurm/time.ts';
import { pick } from '../../util/objects.ts';
import type { Option, Values } from '../options.ts';
import { flag, integer, text } from '../values.ts';

const SLURM = 'Slurm';

function byNetwork(
  isValid: (value: string) => boolean,
  example: string,
  spec: Pick<Option<unknown>, 'help' | 'placeholder' | 'shownDefault'>,
): Option<string | undefined> {
  return {
    ...spec,
    group: SLURM,
    initial: undefined,
    parse: (typed) => {
      parseByNetwork(typed, isValid, example);
      return typed;
    },
  };
}

const GRACE = 180;
const REQUEUES = 50;

export const slurmOptions = {
  partition: text({ help: 'The partition', placeholder: '<name>', group: SLURM, short: 'p' }),
  account: text({ help: 'Who pays', placeholder: '<name>', group: SLURM }),
  qos: text({ help: 'The quality of service', placeholder: '<name>', group: SLURM }),
  gres: text({
    help: 'What each task gets of a node, such as gpu:1; with a GPU the device is webgpu, else cpu',
    placeholder: '<list>',
    group: SLURM,
  }),
  constraint: text({ help: 'Features that a node must have', placeholder: '<list>', group: SLURM }),
  time: byNetwork(isTime, TIME_EXAMPLE, {
    help: 'Time limit, or one for each of some networks: 4:00:00,resnet1202=2-00:00:00; a run goes on after it',
    placeholder: '<time>',
    shownDefault: 'estimated from a measurement here, at most 24 hours',
  }),
  mem: byNetwork(isMemory, MEMORY_EXAMPLE, {
    help: 'Memory of a task, or one for each of some networks: 2G,resnet1202=8G',
    placeholder: '<size>',
    shownDefault: 'estimated',
  }),
  arrayLimit: integer({
    help: 'Tasks of an array that run at a time',
    minimum: 1,
    shownDefault: 'no limit of ours',
    group: SLURM,
  }),
  setup: text({
    help: 'A shell file that every job sources first: modules, paths',
    placeholder: '<file>',
    group: SLURM,
  }),
  container: text({
    help: 'An Apptainer image to run table6 in',
    placeholder: '<file.sif>',
    group: SLURM,
  }),
  grace: integer({
    help: 'Seconds before the time limit at which a run is told to save',
    minimum: 5,
    maximum: 3600,
    shownDefault: String(GRACE),
    group: SLURM,
  }),
  maxRequeues: integer({
    help: 'How often a task puts itself back into the queue',
    minimum: 0,
    maximum: 10_000,
    shownDefault: String(REQUEUES),
    group: SLURM,
  }),
  noRequeue: flag({
    help: 'The cluster requeues by itself: a task saves and ends, and does not put itself back',
    group: SLURM,
  }),
};

/** @param before those of an earlier submission, which hold where nothing is given */
export function slurmOptionsOf(
  values: Values<typeof slurmOptions>,
  before?: SlurmOptions,
): SlurmOptions {
  const { noRequeue, ...typed } = pick(values, Object.keys(slurmOptions) as OptionName[]);
  return {
    ...{ grace: GRACE, maxRequeues: REQUEUES },
    ...before,
    ...typed,
    noRequeue: noRequeue === true || before?.noRequeue === true,
  };
}

type OptionName = keyof typeof slurmOptions;
