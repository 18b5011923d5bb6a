// `table6 k8s manifest` on Kubernetes' own control plane: etcd, API server, scheduler and controllers as
// they are; the node is ours, and runs a pod's container as a process of this machine. So objects are
// checked by the API server, volumes are bound and pods placed by the real controllers, and the real Job
// controller decides what is tried again. What is left out is a container's isolation.
//
//   scripts/kubernetes-control-plane.sh /tmp/kube
//   node scripts/kubernetes-test.ts --bin /tmp/kube/bin
//
// Where the programs are missing it says so and ends well.

import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { openRun } from '../src/runs/runs.node.ts';
import { freePorts } from './free-ports.ts';
import { type Pod, type PodSpec, startPod } from './kubernetes-pod.ts';

const { values } = parseArgs({
  options: { bin: { type: 'string', default: '' }, keep: { type: 'boolean', default: false } },
});
const BIN = path.join(import.meta.dirname, '..', 'bin', 'table6.js');
const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const missing = PROGRAMS.filter((name) => !existsSync(path.join(values.bin, name)));
if (missing.length > 0) {
  console.log(
    `kubernetes-test: skipped, no ${missing.join(', ')} in "${values.bin}" (scripts/kubernetes-control-plane.sh builds them)`,
  );
  process.exit(0);
}

const started = performance.now();
const folder = await mkdtemp(path.join(tmpdir(), 'table6-kubernetes-'));
const [etcdPort, peerPort, apiPort, controllerPort, schedulerPort] = (await freePorts(5)) as [
  number,
  number,
  number,
  number,
  number,
];
const TOKEN = randomUUID();
const agent = new Agent({ rejectUnauthorized: false, keepAlive: true });

function say(text: string): void {
  console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}`);
}

function must(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`kubernetes-test: ${what}`);
}

// biome-ignore lint/suspicious/noExplicitAny: objects of Kubernetes, whose API server has checked them
type Any = any;

/** Asks the API server. */
function api(method: string, where: string, body?: unknown, type = 'application/json') {
  return new Promise<{ status: number; json: Any }>((resolve, reject) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = {
      ...{ authorization: `Bearer ${TOKEN}`, 'content-type': type },
      // Node.js frames no DELETE by itself.
      'content-length': Buffer.byteLength(text),
    };
    const options = { host: '127.0.0.1', port: apiPort, path: where, method, agent, headers };
    const asked = request(options, (response) => {
      let answer = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        answer += part;
      });
      response.on('end', () => {
        let json: Any = answer;
        try {
          json = JSON.parse(answer);
        } catch {}
        resolve({ status: response.statusCode ?? 0, json });
      });
    });
    asked.on('error', reject);
    asked.end(text);
  });
}

async function demand(method: string, where: string, body?: unknown, type?: string): Promise<Any> {
  const { status, json } = await api(method, where, body, type);
  must(status < 300, `${method} ${where}: ${status} ${JSON.stringify(json).slice(0, 600)}`);
  return json;
}

const daemons = new Map<string, ReturnType<typeof spawn>>();
async function daemon(name: string, args: readonly string[]): Promise<void> {
  const { open } = await import('node:fs/promises');
  const log = await open(`${folder}/${name}.log`, 'a');
  daemons.set(
    name,
    spawn(path.join(values.bin, name), args, { stdio: ['ignore', log.fd, log.fd] }),
  );
  await log.close();
}

async function until<T>(
  what: string,
  seconds: number,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const end = performance.now() + 1000 * seconds;
  for (;;) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    must(performance.now() < end, `waited ${seconds} s in vain for ${what}`);
    await sleep(300);
  }
}

async function startControlPlane(): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  await writeFile(`${folder}/key.pub`, publicKey);
  await writeFile(`${folder}/key.pem`, privateKey);
  await writeFile(`${folder}/tokens.csv`, `${TOKEN},admin,admin,system:masters\n`);
  const cluster = { server: `https://127.0.0.1:${apiPort}`, 'insecure-skip-tls-verify': true };
  const kubeconfig = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'c' },
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: { token: TOKEN } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
  };
  await writeFile(`${folder}/kubeconfig`, JSON.stringify(kubeconfig));
  await daemon('etcd', [
    ...[`--data-dir=${folder}/etcd`, `--listen-client-urls=http://127.0.0.1:${etcdPort}`],
    ...[`--advertise-client-urls=http://127.0.0.1:${etcdPort}`, '--name=e'],
    ...[
      `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
      `--initial-cluster=e=http://127.0.0.1:${peerPort}`,
    ],
    `--initial-advertise-peer-urls=http://127.0.0.1:${peerPort}`,
  ]);
  await daemon('kube-apiserver', [
    ...[`--etcd-servers=http://127.0.0.1:${etcdPort}`, '--bind-address=127.0.0.1'],
    ...[`--secure-port=${apiPort}`, `--cert-dir=${folder}/certificates`],
    ...['--service-cluster-ip-range=10.0.0.0/24', `--token-auth-file=${folder}/tokens.csv`],
    ...[`--service-account-key-file=${folder}/key.pub`, '--authorization-mode=AlwaysAllow'],
    ...[`--service-account-signing-key-file=${folder}/key.pem`, '--advertise-address=127.0.0.1'],
    ...['--service-account-issuer=https://kubernetes.default.svc'],
    '--disable-admission-plugins=ServiceAccount',
  ]);
  await until(
    'the API server',
    120,
    async () => (await api('GET', '/readyz')).status === 200 || undefined,
  );
  const shared = [
    `--kubeconfig=${folder}/kubeconfig`,
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
  ];
  await daemon('kube-controller-manager', [
    ...shared,
    ...[`--secure-port=${controllerPort}`, `--cert-dir=${folder}/certificates-2`],
    '--controllers=job-controller,persistentvolume-binder-controller,pod-garbage-collector-controller,garbage-collector-controller,disruption-controller',
  ]);
  await daemon('kube-scheduler', [
    ...shared,
    ...[`--secure-port=${schedulerPort}`, `--cert-dir=${folder}/certificates-3`],
  ]);
}

const NODE = '/api/v1/nodes';
const PODS = '/api/v1/namespaces/default/pods';
const JOBS = '/apis/batch/v1/namespaces/default/jobs';
const PATCH = 'application/strategic-merge-patch+json';

async function addNode(): Promise<void> {
  const amounts = { cpu: '2', memory: '8Gi', pods: '50' };
  await demand('POST', NODE, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'here' } });
  const now = new Date().toISOString();
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'Ready',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  };
  await demand(
    'PATCH',
    `${NODE}/here/status`,
    { status: { capacity: amounts, allocatable: amounts, conditions: [ready] } },
    PATCH,
  );
  await demand('PATCH', `${NODE}/here`, { spec: { taints: null } }, 'application/merge-patch+json');
}

/** What a kubelet does, without containers: starts pods that are placed here, and says how they end. */
class OurNode {
  readonly pods = new Map<
    string,
    { readonly pod: Pod; readonly name: string; readonly index: string }
  >();
  readonly history: { readonly name: string; readonly index: string; readonly code: number }[] = [];
  private isOpen = true;

  async run(): Promise<void> {
    while (this.isOpen) {
      const { items } = (await api('GET', `${PODS}?fieldSelector=spec.nodeName=here`)).json as Any;
      for (const item of items ?? []) await this.look(item).catch((error) => say(`node: ${error}`));
      await sleep(200);
    }
  }

  close(): void {
    this.isOpen = false;
    for (const { pod } of this.pods.values()) pod.stop();
  }

  private async look(item: Any): Promise<void> {
    const { uid, name, deletionTimestamp, annotations = {}, labels = {} } = item.metadata;
    const known = this.pods.get(uid);
    if (deletionTimestamp) {
      if (known) known.pod.stop();
      else await this.remove(name, uid);
      return;
    }
    if (known || item.status.phase !== 'Pending') return;
    const map = (await demand('GET', '/api/v1/namespaces/default/configmaps/table6-plan')).data;
    const place = `${folder}/pods/${name}`;
    await mkdir(place, { recursive: true });
    const index = annotations['batch.kubernetes.io/job-completion-index'] ?? '';
    const pod = startPod(item.spec as PodSpec, {
      ...{ folder: place, bin: `${folder}/bin`, configMaps: { 'table6-plan': map } },
      ...(index !== '' && { index }),
    });
    this.pods.set(uid, { pod, name, index: `${labels['job-name']}/${index}` });
    await this.tell(item, 'Running', { running: { startedAt: new Date().toISOString() } });
    void pod.ended.then((code) => this.ended(item, code));
  }

  private async ended(item: Any, exitCode: number): Promise<void> {
    const { name, uid } = item.metadata;
    const { pod, index } = this.pods.get(uid)!;
    await writeFile(`${folder}/pods/${name}.txt`, pod.output());
    this.history.push({ name, index, code: exitCode });
    say(`pod ${name}: exit code ${exitCode}`);
    const now = new Date().toISOString();
    const terminated = {
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      startedAt: now,
      finishedAt: now,
    };
    await this.tell(item, exitCode === 0 ? 'Succeeded' : 'Failed', { terminated });
    const { json } = await api('GET', `${PODS}/${name}`);
    this.pods.delete(uid);
    if (json.metadata?.deletionTimestamp) await this.remove(name, uid);
  }

  private async tell(item: Any, phase: string, state: object): Promise<void> {
    const [{ name, image }] = item.spec.containers;
    const container = { name, image, imageID: image, state, ready: false, restartCount: 0 };
    const status = { phase, containerStatuses: [container] };
    await api('PATCH', `${PODS}/${item.metadata.name}/status`, { status }, PATCH);
  }

  private async remove(name: string, uid: string): Promise<void> {
    const body = { gracePeriodSeconds: 0, preconditions: { uid } };
    await api('DELETE', `${PODS}/${name}`, body);
  }
}

const MANIFEST = [
  '--archs',
  'resnet8',
  '--recipe',
  'quick',
  '-b',
  '16',
  '--threads',
  '1',
  '--mem',
  '700M',
];
const DATA = ['--data', 'synthetic:train=512,test=64'];

async function table6(...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  must(code === 0, `table6 ${args.join(' ')} ended with ${code}`);
  return text;
}

const PLACES: Readonly<Record<string, string>> = {
  ConfigMap: '/api/v1/namespaces/default/configmaps',
  PersistentVolumeClaim: '/api/v1/namespaces/default/persistentvolumeclaims',
  Job: JOBS,
};

const job = async (name: string) => (await demand('GET', `${JOBS}/${name}`)).status;
const conditionOf = (status: Any) =>
  status.conditions?.find(
    (each: Any) => each.status === 'True' && ['Complete', 'Failed'].includes(each.type),
  )?.type;

async function test(node: OurNode): Promise<void> {
  const volume = `${folder}/volume`;
  const grid = [...MANIFEST, ...DATA, '--seeds', '3', '--epochs', '12'];
  await table6(
    'reproduce',
    ...grid.filter((each) => each !== '--mem' && each !== '700M'),
    '--save-dir',
    `${folder}/whole`,
  );
  say('trained without interruption: 3 seeds');
  const yaml = await table6(
    'k8s',
    'manifest',
    ...grid,
    '--mount',
    volume,
    '--parallelism',
    '2',
    '--retries',
    '1',
    '--report-hours',
    '1',
  );
  const objects = parseAllDocuments(yaml).map((document) => document.toJS() as Any);
  const claim = objects.find(({ kind }) => kind === 'PersistentVolumeClaim');
  await demand('POST', '/api/v1/persistentvolumes', {
    ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'v' } },
    spec: {
      ...{ capacity: claim.spec.resources.requests, accessModes: claim.spec.accessModes },
      hostPath: { path: volume },
    },
  });
  // Wrong input, as the last index: a run that the plan does not know.
  const training = objects.find(({ metadata }) => metadata.name === 'table6-resnet8');
  const container = training.spec.template.spec.containers[0];
  container.args[0] = container.args[0].replace(
    'resnet8-quick-seed3',
    'resnet8-quick-seed3 resnet8-quick-seed9',
  );
  training.spec.completions = 4;
  for (const object of objects)
    await demand('POST', `${PLACES[object.kind]}?fieldValidation=Strict`, object);
  say(`made: ${objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ')}`);

  const victim = await until('a pod that trains', 60, async () => {
    for (const each of node.pods.values()) {
      if (each.index === 'table6-resnet8/0' && each.pod.output().includes('epoch  2/')) return each;
    }
    return undefined;
  });
  await demand('POST', `${PODS}/${victim.name}/eviction`, {
    ...{
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: victim.name, namespace: 'default' },
    },
  });
  say(`evicted ${victim.name}`);
  const status = await until('the Job', 300, async () => {
    const now = await job('table6-resnet8');
    return conditionOf(now) ? now : undefined;
  });
  say(
    `Job table6-resnet8: ${conditionOf(status)}, completed ${status.completedIndexes}, failed ${status.failedIndexes}`,
  );
  must(
    status.completedIndexes === '0-2' && status.failedIndexes === '3',
    'other indices ended well or badly',
  );
  const exits = (index: number) =>
    node.history.filter((each) => each.index === `table6-resnet8/${index}`).map(({ code }) => code);
  must(
    exits(0).length === 2 && exits(0).at(-1) === 0 && exits(0)[0] === 143,
    `the evicted index ended with ${exits(0)}`,
  );
  must(exits(3).join() === '42', `wrong input was tried again: ${exits(3)}`);
  for (const seed of [1, 2, 3]) {
    const [here, whole] = await Promise.all(
      [`${volume}/runs/table6`, `${folder}/whole`].map(
        async (dir) => (await openRun(`${dir}/resnet8-quick-seed${seed}`)).summary?.weightsSha256,
      ),
    );
    must(
      here !== undefined && here === whole,
      `seed ${seed} has other weights than without interruption`,
    );
    say(`seed ${seed}: ${here}, as without interruption`);
  }
  const report = await until('the report', 120, async () => {
    const now = await job('table6-report');
    return conditionOf(now);
  });
  must(report === 'Complete', `the report is ${report}`);
  must(existsSync(`${volume}/runs/table6/report/report.html`), 'there is no report');
}

await mkdir(`${folder}/bin`);
await symlink(BIN, `${folder}/bin/table6`);
await symlink(process.execPath, `${folder}/bin/node`);
const node = new OurNode();
let exitCode = 0;
try {
  await startControlPlane();
  const version = (await demand('GET', '/version')).gitVersion;
  say(`Kubernetes ${version}`);
  await addNode();
  void node.run();
  await test(node);
  say('kubernetes-test: all as it should be');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  for (const name of PROGRAMS) {
    const log = await readFile(`${folder}/${name}.log`, 'utf8').catch(() => '');
    console.error(`==> ${name} <==\n${log.split('\n').slice(-12).join('\n')}`);
  }
  exitCode = 1;
} finally {
  node.close();
  for (const child of daemons.values()) child.kill('SIGKILL');
  if (!values.keep) await rm(folder, { recursive: true, force: true });
  else say(`kept ${folder}`);
}
process.exit(exitCode);
