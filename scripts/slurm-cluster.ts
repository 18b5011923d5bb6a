// A real Slurm on this machine, for tests: a controller and two node daemons of one core each, from
// whatever package brings them, with configuration, ports, keys and spool in a folder of its own, as the
// user who starts it. Nothing of an installed Slurm's configuration is read, and everything ends with it.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from './free-ports.ts';

const NODES = ['n1', 'n2'] as const;
export type NodeName = (typeof NODES)[number];

export interface SlurmCluster {
  /** For commands that are to see it. */
  readonly environment: { readonly SLURM_CONF: string };
  /** As if its power was cut: the daemon and whatever runs under it, without a word. */
  crash(node: NodeName): void;
  /** Starts a node's daemon again. */
  boot(node: NodeName): void;
  stop(): Promise<void>;
}

/** Why there can be no Slurm here; undefined where there can. */
export function whyNoSlurm(): string | undefined {
  const places = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  const programs = ['munged', 'slurmctld', 'slurmd', 'sbatch', 'squeue', 'scontrol', 'scancel'];
  const missing = programs.filter((name) => !places.some((dir) => existsSync(`${dir}/${name}`)));
  if (missing.length === 0) return undefined;
  return `no ${missing.join(', ')} on this machine (Debian: slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge)`;
}

export async function startSlurm(folder: string): Promise<SlurmCluster> {
  for (const name of ['state', 'spool', 'log']) {
    await mkdir(`${folder}/${name}`, { recursive: true, mode: 0o755 });
  }
  await writeFile(`${folder}/munge.key`, randomBytes(1024), { mode: 0o400 });
  const conf = `${folder}/slurm.conf`;
  const ports = await freePorts(3);
  await writeFile(conf, configuration(folder, ports));
  await writeFile(
    `${folder}/gres.conf`,
    NODES.map((node) => `NodeName=${node} Name=gpu File=/dev/null\n`).join(''),
  );
  process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
  const environment = { SLURM_CONF: conf };
  const daemon = (name: string, args: readonly string[]): ChildProcess => {
    const child = spawn(name, args, {
      stdio: 'ignore',
      env: { ...process.env, ...environment },
    });
    child.on('error', (error) => console.error(`${name}: ${error.message}`));
    return child;
  };
  const munge = daemon('munged', [
    ...['--foreground', '--force', '--num-threads=2', `--key-file=${folder}/munge.key`],
    ...[`--socket=${folder}/munge.socket`, `--pid-file=${folder}/munged.pid`],
    ...[`--log-file=${folder}/log/munged.log`, `--seed-file=${folder}/munge.seed`],
  ]);
  while (!existsSync(`${folder}/munge.socket`)) {
    if (munge.exitCode !== null) throw new Error(`munged ended: ${await logOf(folder, 'munged')}`);
    await sleep(50);
  }
  const controller = daemon('slurmctld', ['-D', '-f', conf]);
  const nodes = new Map<NodeName, ChildProcess>();
  const boot = (node: NodeName) => {
    nodes.set(node, daemon('slurmd', ['-D', '-N', node, '-f', conf]));
  };
  for (const node of NODES) boot(node);
  return {
    environment,
    boot,
    crash(node) {
      nodes.get(node)?.kill('SIGKILL');
      for (const pid of processesOn(node, conf)) kill(pid);
    },
    async stop() {
      for (const child of [controller, ...nodes.values(), munge]) child.kill('SIGTERM');
      await sleep(1000);
      for (const node of NODES) for (const pid of processesOn(node, conf)) kill(pid);
      for (const child of [controller, ...nodes.values(), munge]) child.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configuration(folder: string, [controller, ...nodePorts]: readonly number[]): string {
  const host = hostname();
  const user = userInfo().username;
  const nodes = NODES.map(
    (node, index) =>
      `NodeName=${node} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${nodePorts[index]} CPUs=1 RealMemory=4000 Gres=gpu:1`,
  );
  const partition = (name: string, settings: string) =>
    `PartitionName=${name} Nodes=${NODES.join(',')} State=UP MaxTime=INFINITE ${settings}`;
  // cred_expire is also how long a requeued task waits before it may start again; 120 s by default.
  return `${[
    'ClusterName=table6test',
    `SlurmctldHost=${host}(127.0.0.1)`,
    `SlurmctldPort=${controller}`,
    `SlurmUser=${user}`,
    `SlurmdUser=${user}`,
    'AuthType=auth/munge',
    `AuthInfo=socket=${folder}/munge.socket,cred_expire=15`,
    'CredType=cred/munge',
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/spool/%n`,
    `SlurmctldPidFile=${folder}/slurmctld.pid`,
    `SlurmdPidFile=${folder}/slurmd-%n.pid`,
    `SlurmctldLogFile=${folder}/log/slurmctld.log`,
    `SlurmdLogFile=${folder}/log/slurmd-%n.log`,
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'JobAcctGatherType=jobacct_gather/none',
    'AccountingStorageType=accounting_storage/none',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_Core_Memory',
    'GresTypes=gpu',
    'MpiDefault=none',
    'SwitchType=switch/none',
    'ReturnToService=2',
    'SlurmdTimeout=10',
    'MinJobAge=60',
    'PreemptType=preempt/partition_prio',
    'PreemptMode=REQUEUE',
    'SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,sched_interval=5',
    ...nodes,
    partition('low', 'Default=YES PriorityTier=1'),
    partition('high', 'PriorityTier=10 PreemptMode=OFF'),
  ].join('\n')}\n`;
}

/** What Slurm has started on a node: the jobs' processes, and the step daemons above them. */
function processesOn(node: NodeName, conf: string): number[] {
  const found = new Set<number>();
  for (const pid of readdirSync('/proc').map(Number).filter(Number.isInteger)) {
    const variables = read(`/proc/${pid}/environ`).split('\0');
    const isOurs = variables.includes(`SLURM_CONF=${conf}`);
    if (!isOurs || !variables.includes(`SLURMD_NODENAME=${node}`)) continue;
    found.add(pid);
    const parent = Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1]);
    if (read(`/proc/${parent}/cmdline`).startsWith('slurmstepd')) found.add(parent);
  }
  return [...found];
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function logOf(folder: string, name: string): Promise<string> {
  return readFile(path.join(folder, 'log', `${name}.log`), 'utf8').catch(() => 'it wrote nothing');
}
