// A table as Kubernetes runs it: an Indexed Job for each array of runs, whose index is a run; the plan in a
// ConfigMap; one volume for runs and data; and a Job that waits for the runs and reports. The runs are
// independent, so nothing beyond what Kubernetes brings is needed. What a pod's end means is in the
// pod failure policy: an eviction costs no try, exit code 42 is never tried again, anything else a few times.

import { type Cell, cellFolder, type Plan } from '../../experiment/plan.ts';
import { DEFECT, NEVER_RETRY, SAVED, TRY_LATER } from '../exit-codes.ts';
import { quoted } from '../quoted.ts';

/** What Kubernetes calls an object: kept open, since only the API server knows all of it. */
export type Manifest = { readonly apiVersion: string; readonly kind: string } & Readonly<
  Record<string, unknown>
>;

export interface KubernetesOptions {
  /** Begins the names of all objects. */
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly image: string;
  /** The table's folder, below the volume's. */
  readonly folder: string;
  /** Where the volume is in a container. */
  readonly mount: string;
  /** A claim that there is; without it one is made. */
  readonly claim?: string | undefined;
  readonly storage: string;
  readonly storageClass?: string | undefined;
  /** Pods of a Job at a time. */
  readonly parallelism: number;
  /** Tries after the first that failed, of each run. */
  readonly retries: number;
  /** Seconds from TERM to KILL. */
  readonly grace: number;
  /** Hours that the report waits for the runs. */
  readonly reportHours: number;
  readonly gpu: boolean;
  /** Labels that a node must have. */
  readonly nodeSelector?: Readonly<Record<string, string>> | undefined;
}

export interface KubernetesArray {
  readonly name: string;
  readonly cells: readonly Cell[];
  /** MiB. */
  readonly memory: number;
}

/** Options of `table6 task`, and the cores that it takes. */
export interface KubernetesTask {
  readonly arguments: readonly string[];
  readonly threads: number;
}

const PLAN_FOLDER = '/etc/table6';
const PLAN_FILE = 'plan.json';
/** The container whose exit code the policy reads. */
const CONTAINER = 'train';

/** All objects, in the order in which they are to be made. */
export function manifests(
  plan: Plan,
  arrays: readonly KubernetesArray[],
  task: KubernetesTask,
  options: KubernetesOptions,
): Manifest[] {
  const claim = options.claim ?? `${options.name}-volume`;
  return [
    configMap(plan, options),
    ...(options.claim === undefined ? [volumeClaim(claim, options)] : []),
    ...arrays.map((array) => trainingJob(array, task, claim, options)),
    reportJob(claim, options),
  ];
}

function meta(name: string, { namespace, name: table }: KubernetesOptions) {
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    labels: { 'app.kubernetes.io/name': 'table6', 'app.kubernetes.io/instance': table },
  };
}

function configMap(plan: Plan, options: KubernetesOptions): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: meta(`${options.name}-plan`, options),
    data: { [PLAN_FILE]: `${JSON.stringify(plan, null, 1)}\n` },
  };
}

function volumeClaim(name: string, options: KubernetesOptions): Manifest {
  const { storage, storageClass } = options;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: meta(name, options),
    spec: {
      // Pods of several nodes write to it.
      accessModes: ['ReadWriteMany'],
      ...(storageClass !== undefined && { storageClassName: storageClass }),
      resources: { requests: { storage } },
    },
  };
}

function trainingJob(
  array: KubernetesArray,
  task: KubernetesTask,
  claim: string,
  options: KubernetesOptions,
): Manifest {
  const { name, parallelism, retries, gpu } = options;
  const { cells, memory } = array;
  const script = [
    '# One index is one run.',
    'set -- \\',
    ...cells.map((cell) => `  ${cellFolder(cell)} \\`).slice(0, -1),
    `  ${cellFolder(cells.at(-1) as Cell)}`,
    'shift "$JOB_COMPLETION_INDEX"',
    `exec table6 task ${tableOf(options)} "$1" --plan ${PLAN_FOLDER}/${PLAN_FILE} ${task.arguments.map(quoted).join(' ')}`,
  ];
  const resources = {
    requests: { cpu: String(task.threads), memory: `${memory}Mi` },
    limits: { memory: `${memory}Mi`, ...(gpu && { 'nvidia.com/gpu': 1 }) },
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: meta(`${name}-${array.name}`, options),
    spec: {
      completionMode: 'Indexed',
      completions: cells.length,
      parallelism: Math.min(parallelism, cells.length),
      backoffLimitPerIndex: retries,
      podFailurePolicy: {
        rules: [
          // The node is drained, or something more important needs it.
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          failureRule('FailIndex', [NEVER_RETRY, DEFECT]),
          // Saved when it was asked to, or another pod has the run.
          failureRule('Ignore', [TRY_LATER, ...SAVED]),
        ],
      },
      template: pod(script, resources, claim, options, 'train'),
    },
  };
}

function failureRule(action: string, values: readonly number[]) {
  return { action, onExitCodes: { containerName: CONTAINER, operator: 'In', values } };
}

/** Waits for the run folders: a Job cannot depend on another. */
function reportJob(claim: string, options: KubernetesOptions): Manifest {
  const table = tableOf(options);
  const script = [
    `until [ -e ${table}/plan.json ]; do sleep 5; done # The first run brings it.`,
    `table6 report ${table} --wait ${options.reportHours} --output ${table}/report`,
    `exec table6 report ${table} --complete`,
  ];
  const resources = { requests: { cpu: '100m', memory: '512Mi' }, limits: { memory: '2Gi' } };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: meta(`${options.name}-report`, options),
    spec: { backoffLimit: 0, template: pod(script, resources, claim, options, 'report') },
  };
}

function tableOf({ mount, folder }: KubernetesOptions): string {
  return `${mount}/${folder}`;
}

function pod(
  script: readonly string[],
  resources: object,
  claim: string,
  options: KubernetesOptions,
  role: 'train' | 'report',
) {
  const { mount, image, grace, gpu, nodeSelector, name } = options;
  const isTraining = role === 'train';
  return {
    metadata: {
      labels: { 'app.kubernetes.io/name': 'table6', 'app.kubernetes.io/instance': name },
    },
    spec: {
      restartPolicy: 'Never',
      // From TERM to KILL: to finish the step and save.
      terminationGracePeriodSeconds: isTraining ? grace : 10,
      ...(isTraining && nodeSelector && { nodeSelector }),
      containers: [
        {
          name: isTraining ? CONTAINER : role,
          image,
          command: ['/bin/sh', '-c'],
          args: [`${script.join('\n')}\n`],
          env: [
            { name: 'TABLE6_DATA', value: `${mount}/data` },
            // Without graphics there is no Vulkan in a container.
            ...(isTraining && gpu
              ? [{ name: 'NVIDIA_DRIVER_CAPABILITIES', value: 'compute,utility,graphics' }]
              : []),
          ],
          resources,
          volumeMounts: [
            { name: 'volume', mountPath: mount },
            ...(isTraining ? [{ name: 'plan', mountPath: PLAN_FOLDER, readOnly: true }] : []),
          ],
        },
      ],
      volumes: [
        { name: 'volume', persistentVolumeClaim: { claimName: claim } },
        ...(isTraining ? [{ name: 'plan', configMap: { name: `${name}-plan` } }] : []),
      ],
    },
  };
}
