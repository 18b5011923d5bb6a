// The cluster commands on a real Slurm, with real trainings: runs that a time limit stops again and
// again, one that is preempted, one whose node crashes, must end with the weights of runs that were never
// stopped; 200 small ones each train once; a cancelled one stays cancelled until it is retried; wrong
// input is never tried again.
//
//   node scripts/slurm-test.ts [--tasks 200] [--seconds 60] [--parts small] [--keep]
//
// Where there is no Slurm it says so and ends well.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openSlurmTable } from '../src/cli/session/slurm-table.ts';
import { countStates, type RunStatus } from '../src/cluster/slurm/status.ts';
import { openRun } from '../src/runs/runs.node.ts';
import { messageOf } from '../src/util/errors.ts';
import { startSlurm, whyNoSlurm } from './slurm-cluster.ts';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '200' },
    /** How long each of the long runs should train, at least. */
    seconds: { type: 'string', default: '60' },
    /** Only some: interrupted, cancelled, small. */
    parts: { type: 'string', default: 'interrupted,cancelled,small' },
    keep: { type: 'boolean', default: false },
  },
});
const BIN = path.join(import.meta.dirname, '..', 'bin', 'table6.js');
const started = performance.now();

const missing = whyNoSlurm();
if (missing !== undefined) {
  console.log(`slurm-test: skipped, ${missing}`);
  process.exit(0);
}

/** Under one folder that goes away, on what stands for the shared disk. */
const home = await mkdtemp(path.join(tmpdir(), 'table6-slurm-'));
const folder = `${home}/shared disk`;
await mkdir(folder);
const cluster = await startSlurm(`${home}/slurm`).catch((error: unknown) => {
  console.log(`slurm-test: skipped, Slurm is here and does not start: ${messageOf(error)}`);
  process.exit(0);
});
Object.assign(process.env, cluster.environment);

function say(text: string): void {
  console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}`);
}

function must(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`slurm-test: ${what}`);
}

function run(command: string, args: readonly string[], cwd = folder) {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

async function table6(...args: readonly string[]) {
  return run(process.execPath, [BIN, ...args]);
}

async function succeeds(...args: readonly string[]): Promise<string> {
  const { code, output } = await table6(...args);
  must(code === 0, `table6 ${args.join(' ')} ended with ${code}:\n${output}`);
  return output;
}

async function until<T>(what: string, seconds: number, look: () => Promise<T | undefined>) {
  const end = performance.now() + 1000 * seconds;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    must(performance.now() < end, `waited ${seconds} s in vain for ${what}`);
    await sleep(500);
  }
}

const statusOf = async (table: string) => (await openSlurmTable(`${folder}/${table}`)).runs;
const shaOf = async (dir: string) => (await openRun(dir)).summary?.weightsSha256;

/** Of a core, by the processes that this one has started and that have ended. */
function childSeconds(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const TICKS = 100;
  return (Number(fields[13]) + Number(fields[14])) / TICKS;
}

/** Whether anything of Slurm's is left to do. */
const isIdle = async () => (await run('squeue', ['--noheader'])).output.trim() === '' || undefined;

async function locksIn(table: string): Promise<string[]> {
  const names = await readdir(`${folder}/${table}`, { recursive: true });
  return names.filter((name) => path.basename(name).startsWith('lock.json'));
}

const SMALL = ['--recipe', 'quick', '-b', '16', '--threads', '1'];
const LONG = ['--archs', 'resnet8,plain8', '--seeds', '2', '--data', 'synthetic:train=512,test=64'];

async function interrupted(): Promise<void> {
  // Time of the processor, since another process may have the other half of it now, and not later.
  const trial = ['train', 'resnet8', ...LONG.slice(4), ...SMALL, '--epochs'];
  const costs: number[] = [];
  for (const [name, epochs] of [
    ['a', '1'],
    ['b', '5'],
  ] as const) {
    const before = childSeconds();
    await succeeds(...trial, epochs, '--save-dir', name);
    costs.push(childSeconds() - before);
  }
  const epochSeconds = Math.max(0.05, (costs[1]! - costs[0]!) / 4);
  const epochs = String(Math.ceil(Number(values.seconds) / epochSeconds));
  say(`an epoch takes ${epochSeconds.toFixed(2)} s of a core: training ${epochs}`);
  const grid = [...LONG, ...SMALL, '--epochs', epochs];
  await succeeds('reproduce', ...grid, '--jobs', '2', '--save-dir', 'whole');
  say('trained without interruption: 2 networks x 2 seeds');

  const asked = ['--time', '1', '--mem', '700M', '--grace', '20', '--partition', 'low'];
  say(
    `\n${await succeeds('slurm', 'submit', ...grid, ...asked, '--gres', 'gpu:1', '--device', 'cpu', '--save-dir', 'table')}`,
  );
  const trained = async (node: string) =>
    (await statusOf('table')).find(
      (each) => each.node === node && each.state === 'running' && each.epochsDone > 0,
    );
  const victim = await until('a run on n1', 120, () => trained('n1'));
  await run('sbatch', [
    '--partition=high',
    '--nodelist=n1',
    '--time=1',
    '--output=/dev/null',
    '--wrap=sleep 8',
  ]);
  await until('its preemption', 60, async () => {
    const now = (await statusOf('table')).find((each) => each.run === victim.run);
    return now?.state === 'requeued' || undefined;
  });
  say(`preempted ${victim.run}`);
  const lost = await until('a run on n2', 120, () => trained('n2'));
  cluster.crash('n2');
  say(`crashed n2 with ${lost.run} on it`);
  await until('Slurm to notice', 90, async () => {
    const { output } = await run('sinfo', ['--noheader', '--nodes=n2', '--format=%t']);
    return output.includes('down') || undefined;
  });
  cluster.boot('n2');
  say('n2 was found down, and is up again');
  let shown = '';
  await until('the end of all', 600, async () => {
    const text = (await succeeds('slurm', 'status', 'table')).trim();
    if (performance.now() - started > shownAt + 30_000) {
      shownAt = performance.now() - started;
      shown = text;
      say(`\n${shown}`);
    }
    return isIdle();
  });
  say(`\n${await succeeds('slurm', 'status', 'table')}`);
  const after = await statusOf('table');
  for (const { run: name, state, restarts, log } of after) {
    must(state === 'finished', `${name} is ${state}`);
    must(restarts > 0, `${name} was never put back`);
    const [here, whole] = await Promise.all([
      shaOf(`${folder}/table/${name}`),
      shaOf(`${folder}/whole/${name}`),
    ]);
    must(
      here !== undefined && here === whole,
      `${name} has other weights than without interruption`,
    );
    const text = await readFile(log as string, 'utf8');
    must(/goes back into the queue/.test(text), `${name} never met its time limit`);
    say(`${name}: ${restarts} restarts, ${here}, as without interruption`);
  }
  must((await locksIn('table')).length === 0, 'a lock was left');
  const logs = await readdir(`${folder}/table/slurm/001/logs`);
  const report = logs.find((name) => name.startsWith('report-'));
  must(report !== undefined, 'there is no report');
  const text = await readFile(`${folder}/table/slurm/001/logs/${report}`, 'utf8');
  must(!text.includes('not finished:'), `the report misses a run:\n${text}`);
  say(`\n${text.split('\n').slice(0, 8).join('\n')}`);
}
let shownAt = 0;

async function small(count: number): Promise<void> {
  const grid = [
    '--archs',
    'resnet8',
    '--seeds',
    String(count),
    '--data',
    'synthetic:train=16,test=16',
  ];
  const asked = ['--time', '5', '--mem', '700M', '--array-limit', '2', '--save-dir', 'small'];
  await succeeds('slurm', 'submit', ...grid, ...SMALL, '--epochs', '1', ...asked);
  say(`${count} small runs, two at a time`);
  let finished = 0;
  let before: readonly RunStatus[] = [];
  const check = (runs: readonly RunStatus[]) => {
    const counts = countStates(runs);
    const sum = Object.values(counts).reduce((total, each) => total + each, 0);
    must(runs.length === count && sum === count, `status counts ${sum} of ${count}`);
    const active = (counts.running ?? 0) + (counts.starting ?? 0);
    must(active <= 2, `${active} tasks at a time, with a limit of two`);
    must((counts.finished ?? 0) >= finished, 'a run was finished, and is not any more');
    const lost = runs.find(({ state }) => ['failed', 'missing', 'stopped'].includes(state));
    must(!lost, `${lost?.run} is ${lost?.state}: ${lost?.message}, see ${lost?.log}`);
    for (const [index, now] of runs.entries()) {
      const isOver = before[index]?.state === 'finished' && now.state !== 'finished';
      must(!isOver, `${now.run} was finished and is ${now.state}`);
    }
    if (Math.floor((counts.finished ?? 0) / 50) > Math.floor(finished / 50))
      say(JSON.stringify(counts));
    finished = counts.finished ?? 0;
    before = runs;
  };
  await until('the small runs', 600, async () => {
    check(await statusOf('small'));
    return finished === count || undefined;
  });
  await until('the report', 60, isIdle);
  const dirs = before.map((each) => `${folder}/small/${each.run}`);
  for (const dir of dirs) {
    const { environment } = await openRun(dir);
    must(
      environment.sessions.length === 1,
      `${dir} was trained ${environment.sessions.length} times`,
    );
  }
  must((await locksIn('small')).length === 0, 'a lock was left');
  say(`${count} small runs: each trained once, status right throughout, no lock left`);
}

async function cancelled(): Promise<void> {
  const grid = [
    '--archs',
    'resnet8',
    '--seeds',
    '1',
    '--data',
    'synthetic:train=512,test=64',
    ...SMALL,
  ];
  const asked = ['--epochs', '30', '--time', '5', '--mem', '700M', '--save-dir', 'one'];
  await succeeds('slurm', 'submit', ...grid, ...asked);
  const running = await until('it to train', 60, async () =>
    (await statusOf('one')).find(({ state, epochsDone }) => state === 'running' && epochsDone > 0),
  );
  await succeeds('slurm', 'cancel', 'one');
  await until('it to end', 60, isIdle);
  const [stopped] = await statusOf('one');
  must(stopped?.state === 'stopped', `cancelled, it is ${stopped?.state}`);
  must(
    (await readFile(running.log as string, 'utf8')).includes('a cancelled one does not'),
    'its log does not say why',
  );
  await succeeds('slurm', 'retry', 'one');
  await until('it to finish', 180, isIdle);
  const [after] = await statusOf('one');
  must(after?.state === 'finished' && after.restarts === 1, `retried, it is ${after?.state}`);
  say('a cancelled run stays so, and goes on after a retry');

  const refused = await table6(
    'slurm',
    'submit',
    ...grid,
    '--time',
    '5',
    '--mem',
    '700M',
    '--partition',
    'nowhere',
    '--save-dir',
    'two',
  );
  must(
    refused.code === 1 && /Slurm refused .*invalid partition/i.test(refused.output),
    `a partition that there is not: ${refused.output}`,
  );
  must((await isIdle()) === true, 'something is in the queue all the same');
  say(`refused: ${refused.output.trim().split('\n').at(-1)}`);

  await succeeds('slurm', 'submit', ...grid, '--time', '5', '--mem', '700M', '--save-dir', 'three');
  const [changed] = await statusOf('three');
  const plan = await readFile(`${folder}/three/plan.json`, 'utf8');
  await writeFile(
    `${folder}/three/plan.json`,
    plan.replace(/"checksum".*\n/, '').replace('"batchSize": 16', '"batchSize": 8'),
  );
  await until('it to fail', 60, isIdle);
  const log = await readFile(changed?.log as string, 'utf8');
  must(
    /was changed after this was submitted: batchSize was 16 and is 8/.test(log),
    `a plan that was changed: ${log}`,
  );
  must(!/goes back/.test(log), 'wrong input was put back');
  say(`never again: ${log.trim().split('\n').at(-1)}`);
}

/**
 * A machine may have Slurm's packages and yet not let its daemons work, as some containers do.
 * @returns what it is then; undefined where a job of nothing has run
 */
async function whySlurmDoesNotWork(): Promise<string | undefined> {
  try {
    await until('the nodes', 30, async () => {
      const { output } = await run('sinfo', ['--noheader', '--format=%t']);
      return (output.includes('idle') && !/unk|down/.test(output)) || undefined;
    });
    const script = ['--wrap', `touch '${home}/ran'`, '--output', '/dev/null', '--mem', '100M'];
    const { code, output } = await run('sbatch', script);
    if (code !== 0) return output.trim();
    await until('a job of nothing', 60, async () => existsSync(`${home}/ran`) || undefined);
    await until('its end', 60, isIdle);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

let exitCode = 0;
try {
  const problem = await whySlurmDoesNotWork();
  if (problem === undefined) {
    say((await run('sinfo', ['--version'])).output.trim());
    const parts = { interrupted, cancelled, small: () => small(Number(values.tasks)) };
    for (const [name, part] of Object.entries(parts)) {
      if (values.parts.split(',').includes(name)) await part();
    }
    say('slurm-test: all as it should be');
  } else say(`slurm-test: skipped, Slurm is here and does not work: ${problem}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  values.keep = true;
  for (const name of ['slurmctld', 'slurmd-n1', 'slurmd-n2']) {
    const log = await readFile(`${home}/slurm/log/${name}.log`, 'utf8').catch(() => '');
    console.error(`==> ${name} <==\n${log.split('\n').slice(-30).join('\n')}`);
  }
  exitCode = 1;
} finally {
  await run('scancel', ['--full', '--signal=KILL', '--user', process.env.USER ?? 'root']).catch(
    () => {},
  );
  await cluster.stop();
  if (!values.keep) await rm(home, { recursive: true, force: true });
  else say(`kept ${home}`);
}
process.exit(exitCode);
