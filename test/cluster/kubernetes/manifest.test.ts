// What is given to Kubernetes, and what becomes of it: by an executor that follows the rules of the Job
// controller, with stand-ins for trainings and, once, with real ones.

import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type KubernetesOptions, manifests } from '../../../src/cluster/kubernetes/manifest.ts';
import { makePlan } from '../../../src/experiment/plan.ts';
import { BIN } from '../../cli/run-table6.ts';
import { temporaryFolder } from '../../runs/support/hosts.ts';
import { type ExecutorHost, type JobSpec, runJob } from './executor.ts';

const plan = makePlan({
  ...{ archs: ['resnet8'], seeds: [1, 2, 3, 4, 5], recipes: ['quick'] },
  settings: { data: 'synthetic:train=32,test=16', epochs: 1, batchSize: 16 },
});
const options: KubernetesOptions = {
  ...{ name: 't', image: 'table6', folder: 'runs/a', mount: '/m', storage: '1Gi' },
  ...{ parallelism: 2, retries: 1, grace: 60, reportHours: 1, gpu: false },
};
const task = { arguments: ['--threads=1', '--device=cpu'], threads: 1 };
const array = { name: 'resnet8', cells: plan.cells, memory: 700 };

const made = (changes: Partial<KubernetesOptions> = {}) =>
  manifests(plan, [array], task, { ...options, ...changes });
const kinds = (changes?: Partial<KubernetesOptions>) => made(changes).map(({ kind }) => kind);
const specOf = (changes?: Partial<KubernetesOptions>) =>
  made(changes).find(({ kind }) => kind === 'Job')!.spec as JobSpec;

describe('the objects', () => {
  test('are the plan, a volume unless there is one, a Job for each array, and a report', () => {
    expect(kinds()).toEqual(['ConfigMap', 'PersistentVolumeClaim', 'Job', 'Job']);
    expect(kinds({ claim: 'mine' })).toEqual(['ConfigMap', 'Job', 'Job']);
    expect(JSON.stringify(made({ claim: 'mine' }))).toContain('"claimName":"mine"');
  });

  test('ask for a GPU, and for what Vulkan needs in a container', () => {
    const text = JSON.stringify(specOf({ gpu: true, nodeSelector: { gpu: 'h100' } }));
    expect(text).toContain('"nvidia.com/gpu":1');
    expect(text).toContain('"NVIDIA_DRIVER_CAPABILITIES","value":"compute,utility,graphics"');
    expect(text).toContain('"nodeSelector":{"gpu":"h100"}');
    expect(JSON.stringify(specOf())).not.toContain('nvidia');
  });
});

/** A folder with a `table6`, and what a Job needs of it. */
async function executor(command?: string): Promise<ExecutorHost & { readonly mount: string }> {
  const folder = await temporaryFolder();
  const bin = `${folder}/bin`;
  await mkdir(bin);
  if (command === undefined) await symlink(BIN, `${bin}/table6`);
  else {
    await writeFile(`${bin}/table6`, `#!/bin/sh\nrun=$3 mount=${folder}/volume\n${command}\n`);
    await chmod(`${bin}/table6`, 0o755);
  }
  await symlink(process.execPath, `${bin}/node`);
  const plans = { 'plan.json': JSON.stringify(plan) };
  return { folder, bin, configMaps: { 't-plan': plans }, mount: `${folder}/volume` };
}

describe('an index', () => {
  test('is a run; wrong input is never tried again, a failure so often as asked, a stop without end', async () => {
    const host = await executor(`
      echo "$*" >> $mount/calls
      tries=$(grep -c "$run" $mount/calls)
      case $run in
        *seed1) exit 0 ;;
        *seed2) exit 42 ;;
        *seed3) exit 1 ;;
        *seed4) [ "$tries" -gt 1 ] || exit 1 ;;
        *seed5) [ "$tries" -gt 3 ] || exit 140 ;;
      esac`);
    const result = await runJob(specOf({ mount: host.mount }), host);
    expect(result).toMatchObject({
      ...{ succeeded: [0, 3, 4], failed: [1, 2], mostAtOnce: 2 },
      exits: [[0], [42], [1, 1], [1, 0], [140, 140, 140, 0]],
    });
    const calls = await readFile(`${host.mount}/calls`, 'utf8');
    expect(calls).toMatch(
      /^task \S+\/volume\/runs\/a resnet8-quick-seed1 --plan \S+\/plan\/plan\.json --threads=1 --device=cpu$/m,
    );
  });

  test('that is evicted saves and is tried again, whatever it ends with', async () => {
    const host = await executor(
      '[ -e $mount/$run ] && exit 0; touch $mount/$run; trap "exit 1" TERM; while :; do sleep 0.05; done',
    );
    const result = await runJob(specOf({ mount: host.mount, retries: 0 }), {
      ...host,
      onPod: (_, __, evict) => setTimeout(evict, 200),
    });
    expect(result.succeeded).toEqual([0, 1, 2, 3, 4]);
    expect(result.exits).toEqual(Array(5).fill([1, 0]));
  });
});

test('real trainings on a new volume: it gets its plan, and the report says what is missing', async () => {
  const host = await executor();
  const [, , job, report] = manifests(plan, [{ ...array, cells: plan.cells.slice(0, 2) }], task, {
    ...options,
    mount: host.mount,
  });
  const result = await runJob(job?.spec as JobSpec, host);
  expect(result.exits).toEqual([[0], [0]]);
  const reporting = {
    ...(report?.spec as JobSpec),
    completions: 1,
    parallelism: 1,
    backoffLimitPerIndex: 0,
  };
  const text = JSON.stringify(reporting).replace('--wait 1', '--wait 0');
  let output = '';
  const reported = await runJob(
    { ...JSON.parse(text), podFailurePolicy: { rules: [] } },
    {
      ...host,
      onPod: (pod) => void pod.ended.then(() => (output = pod.output())),
    },
  );
  expect(reported.exits).toEqual([[1]]);
  expect(output.match(/not finished: .*/g)).toEqual(
    [3, 4, 5].map((seed) => `not finished: resnet8-quick-seed${seed} (missing)`),
  );
});
