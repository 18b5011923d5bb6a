// `table6 k8s manifest`: the plan of `reproduce` as objects of Kubernetes, in YAML, for kubectl.

import { stringify } from 'yaml';
import { makeArrays, memoryToAsk } from '../../cluster/arrays.ts';
import { type KubernetesArray, manifests } from '../../cluster/kubernetes/manifest.ts';
import { isMemory, MEMORY_EXAMPLE, toMebibytes } from '../../cluster/slurm/submit.ts';
import { ofNetwork, parseByNetwork } from '../../cluster/slurm/time.ts';
import { cellFolder, makePlan } from '../../experiment/plan.ts';
import { trimSlash } from '../../runs/run.ts';
import { MACHINE_SETTING_NAMES, optionName } from '../../train/config.ts';
import { UserError } from '../../util/errors.ts';
import { pick } from '../../util/objects.ts';
import { defineCommand } from '../command.ts';
import { print, printJson } from '../console/print.ts';
import { createTerminal } from '../console/terminal.ts';
import type { Option } from '../options.ts';
import { defaultThreads } from '../session/backend.ts';
import { jsonOption, offlineOption } from '../session/common-options.ts';
import { anyHalf, machineOf } from '../session/grid-machine.ts';
import { isForAll, needsOfRuns } from '../session/grid-needs.ts';
import { settingOptions } from '../setting-options.ts';
import { flag, integer, text } from '../values.ts';
import { planRequest, planTable } from './reproduce-options.ts';

const GROUP = 'Kubernetes';
const DEFAULT_THREADS = 4;
/** Most indices of a Job whose indices have a limit of their own. */
const MOST_INDICES = 100_000;

const NAME = /^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$/;

function matching(
  pattern: RegExp,
  must: string,
  spec: Omit<Option<string | undefined>, 'parse'>,
): Option<string | undefined> {
  return {
    ...spec,
    group: GROUP,
    parse: (value) => {
      if (pattern.test(value)) return value;
      throw new UserError(`must be ${must}, not "${value}"`);
    },
  };
}

const nodeSelector: Option<Readonly<Record<string, string>> | undefined> = {
  help: 'Labels that a node must have: gpu=h100,zone=a',
  placeholder: '<label=value,...>',
  group: GROUP,
  initial: undefined,
  parse: (value) => {
    const pairs = value.split(',').map((pair) => pair.split('='));
    if (pairs.every(([name, label, ...more]) => name && label && more.length === 0)) {
      return Object.fromEntries(pairs) as Record<string, string>;
    }
    throw new UserError(`must be labels such as gpu=h100,zone=a, not "${value}"`);
  },
};

const machine = settingOptions(MACHINE_SETTING_NAMES, 'Each pod');

export const k8sManifest = defineCommand({
  description:
    'Plans as table6 reproduce does and prints what kubectl apply takes: an Indexed Job whose index is a run (deep networks have their own), the plan, a volume for runs and data, and a Job that reports when the runs are done. Evictions cost no try; wrong input (exit code 42) is never tried again. Needs Kubernetes 1.33 or newer. Nothing is written, and no cluster is asked. --save-dir is the folder below the volume.',
  arguments: [],
  options: {
    ...planTable,
    image: text({
      help: 'The container image: see docs/cluster.md',
      placeholder: '<image>',
      initial: 'table6:latest',
      group: GROUP,
    }),
    name: matching(NAME, 'lower-case letters, digits and -, at most 52', {
      help: 'Begins the names of all objects',
      placeholder: '<name>',
      shownDefault: 'table6',
      initial: undefined,
    }),
    namespace: matching(NAME, 'a name of Kubernetes', {
      help: 'Where the objects are made',
      placeholder: '<name>',
      shownDefault: "kubectl's",
      initial: undefined,
    }),
    gpu: flag({ help: 'A GPU (nvidia.com/gpu) for each pod', group: GROUP }),
    mem: {
      help: 'Memory of a pod, or one for each of some networks: 2G,resnet1202=8G',
      placeholder: '<size>',
      shownDefault: 'estimated, which loads the data here',
      group: GROUP,
      initial: undefined as string | undefined,
      parse: (typed: string) => {
        parseByNetwork(typed, isMemory, MEMORY_EXAMPLE);
        return typed;
      },
    },
    parallelism: integer({ help: 'Pods of a Job at a time', initial: 4, minimum: 1, group: GROUP }),
    retries: integer({
      help: 'How often a run that failed is tried again',
      initial: 3,
      minimum: 0,
      group: GROUP,
    }),
    grace: integer({
      help: 'Seconds that a pod has to save',
      initial: 180,
      minimum: 1,
      maximum: 3600,
      group: GROUP,
    }),
    claim: text({
      help: 'A volume claim that there is, which several nodes may write to; else one is made',
      placeholder: '<name>',
      group: GROUP,
    }),
    storage: matching(/^\d+(\.\d+)?([KMGTP]i?)?$/, 'a size such as 20Gi', {
      help: 'Size of the volume that is made',
      placeholder: '<size>',
      initial: '20Gi',
    }),
    storageClass: text({ help: 'Its storage class', placeholder: '<name>', group: GROUP }),
    mount: matching(/^\/[\w./-]+$/, 'a whole path', {
      help: 'Where the volume is in a container',
      placeholder: '<path>',
      initial: '/table6',
    }),
    nodeSelector,
    reportHours: integer({
      help: 'Hours that the report waits for the runs at most',
      initial: 24 * 14,
      minimum: 1,
      group: GROUP,
    }),
    ...machine,
    threads: {
      ...machine.threads,
      help: 'Cores of each pod, and threads of the CPU engine',
      shownDefault: String(DEFAULT_THREADS),
    },
    device: { ...machine.device, shownDefault: 'webgpu with --gpu, else cpu' },
    offline: { ...offlineOption, help: 'Pods never download: the data are on the volume' },
    json: { ...jsonOption, help: 'Print a List of all objects as one line of JSON' },
  },
  examples: [
    { command: 'k8s manifest --archs all --mem 2G,resnet1202=6G', help: 'All of Table 6' },
    {
      command: 'k8s manifest --archs resnet20 --gpu --image registry/table6 --mem 4G',
      help: 'A row of it on GPUs; kubectl apply -f takes what is printed',
    },
  ],
  async run({ values }) {
    const plan = makePlan(planRequest(values));
    const threads = values.threads ?? DEFAULT_THREADS;
    const device = values.device ?? (values.gpu ? 'webgpu' : 'cpu');
    const typed = { ...pick(values, MACHINE_SETTING_NAMES), device, threads };
    const here = machineOf(typed, Math.min(threads, defaultThreads()), anyHalf(plan));
    const memories =
      values.mem === undefined ? undefined : parseByNetwork(values.mem, isMemory, '');
    const needs = isForAll(values.mem)
      ? new Map()
      : await needsOfRuns({
          ...{ folder: values.saveDir, plan, cells: plan.cells, machine: here },
          ...{ offline: values.offline, measure: true, saidBy: '--mem' },
          terminal: createTerminal(process.stderr),
        });
    const arrays = makeArrays(plan.cells, MOST_INDICES).map(({ name, cells }): KubernetesArray => {
      const wanted = cells.map((cell) => {
        const given = memories && ofNetwork(memories, cell.arch);
        return given === undefined ? memoryToAsk(needs.get(cellFolder(cell))!) : toMebibytes(given);
      });
      return { name, cells, memory: Math.max(...wanted) };
    });
    const names = MACHINE_SETTING_NAMES.filter((name) => typed[name] !== undefined);
    const flags = names.map((name) => `${optionName(name)}=${typed[name]}`);
    const task = { arguments: [...flags, ...(values.offline ? ['--offline'] : [])], threads };
    const { name = 'table6', saveDir, mount = '', storage = '', ...rest } = values;
    const all = manifests(plan, arrays, task, {
      ...{ ...rest, name, storage, mount: trimSlash(mount) },
      folder: trimSlash(saveDir).replace(/^\.?\/+/, ''),
    });
    if (values.json) printJson({ apiVersion: 'v1', kind: 'List', items: all });
    else print(`${HEAD}${all.map((each) => stringify(each, YAML)).join('---\n')}`.trimEnd());
    return 0;
  },
});

const YAML = { lineWidth: 0, aliasDuplicateObjects: false };

const HEAD = `# A table of table6, made by table6 k8s manifest; to be read and edited.
#   kubectl apply -f <this file>
#   kubectl get jobs,pods -l app.kubernetes.io/name=table6
# More seeds or networks later: another --name, with the same --save-dir and --claim.
`;
