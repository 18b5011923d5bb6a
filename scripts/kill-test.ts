// Kills a training run at random moments (SIGKILL: nothing can be saved on the way out), resumes it
// each time with another number of threads, and compares the final weights with those of a run that
// was never stopped, SHA-256 for SHA-256, and the metrics line for line. Every kill has its stretch of
// the run, so that all of them happen on a machine of any speed.
//
//   node scripts/kill-test.ts [--kills 20] [--epochs 12] [--seed 1] [--arch resnet8] [--data synthetic:...]
//
// The moments are random on purpose; the seed that is printed repeats their lengths, not what the
// machine makes of them.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseMetrics, TIME_FIELDS } from '../src/runs/metrics.ts';
import { openRun } from '../src/runs/runs.node.ts';
import { randomStream } from '../src/util/random.ts';

const COMMAND = join(import.meta.dirname, '..', 'bin', 'table6.js');

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    epochs: { type: 'string', default: '12' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    arch: { type: 'string', default: 'resnet8' },
    data: { type: 'string', default: 'synthetic:train=1000,test=200' },
  },
});
const kills = Number(values.kills);
const random = randomStream(Number(values.seed), 'kill-test');
const folder = await mkdtemp(join(tmpdir(), 'table6-kill-'));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** When to kill. */
interface Kill {
  /** Milliseconds after the process was started, where it shall die while it starts. */
  readonly start?: number;
  /** So many milliseconds after this step (from 1), if it still lives. */
  readonly step: number;
  readonly delay: number;
}

/** Runs table6, and kills it where that is asked for. */
function table6(args: string[], when?: Kill): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // A group of its own, so that a process that it starts dies with it.
    const child = spawn(process.execPath, [COMMAND, ...args], { detached: true });
    let output = '';
    const timers: NodeJS.Timeout[] = [];
    let isDue = false;
    const kill = () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
      if (when && !isDue && stepsDone(output) >= when.step) {
        isDue = true;
        timers.push(setTimeout(kill, when.delay));
      }
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    if (when?.start !== undefined) timers.push(setTimeout(kill, when.start));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      for (const timer of timers) clearTimeout(timer);
      resolve({ code, signal, output });
    });
  });
}

/** The last step that a console tells of. */
function stepsDone(output: string): number {
  const [, epoch, batch, batches] = /.*^epoch (\d+) {2}batch (\d+)\/(\d+)/ms.exec(output) ?? [];
  return epoch === undefined ? 0 : (Number(epoch) - 1) * Number(batches) + Number(batch);
}

function trainArgs(dir: string, threads: number): string[] {
  const { arch, data, epochs } = values;
  const settings = ['--recipe', 'quick', '--epochs', epochs, '--data', data, '--save-dir', dir];
  // Saving often makes kills hit the writing of checkpoints too.
  const saving = ['--checkpoint-steps', '3', '--save-every', '2', '--batch-size', '64'];
  const telling = ['--log', 'plain', '--print-freq', '1'];
  return ['train', arch, ...settings, ...saving, ...telling, '--threads', String(threads)];
}

async function metricsWithoutTimes(dir: string): Promise<string> {
  const records = parseMetrics(await readFile(`${dir}/metrics.jsonl`, 'utf8'));
  const times: readonly string[] = TIME_FIELDS;
  return records
    .map((record) =>
      JSON.stringify(record, (key, value) => (times.includes(key) ? undefined : value)),
    )
    .join('\n');
}

function fail(message: string): never {
  console.error(message);
  console.error(`The runs are in ${folder}.`);
  process.exit(1);
}

/** One in five dies while it starts, from before its folder is there; the others while they train. */
function nextKill(): Kill | undefined {
  if (killed >= kills) return undefined;
  const start = random.uniform() < 0.2 ? 50 + 1500 * random.uniform() : undefined;
  const step = Math.ceil((steps * (killed + random.uniform())) / (kills + 1));
  const delay = (1000 * seconds * random.uniform()) / steps;
  return { start, step, delay };
}

console.log(`kill-test: ${kills} kills, seed ${values.seed}, ${values.arch} on ${values.data}`);
const whole = `${folder}/whole`;
const uninterrupted = await table6(trainArgs(whole, availableParallelism()));
if (uninterrupted.code !== 0) fail(`The uninterrupted run failed:\n${uninterrupted.output}`);
const { summary: result } = await openRun(whole);
const expected = result?.weightsSha256;
if (!expected) fail('The uninterrupted run has no SHA-256.');
const { iteration: steps, seconds } = result;
console.log(`uninterrupted: ${steps} steps in ${seconds.toFixed(1)} s, ${expected}`);

const dir = `${folder}/killed`;
let killed = 0;
const places: string[] = [];
for (;;) {
  const threads = 1 + (killed % 2);
  const started = existsSync(`${dir}/config.json`);
  const args = started
    ? ['train', '--resume', dir, '--threads', String(threads)]
    : trainArgs(dir, threads);
  const { code, signal, output } = await table6(args, nextKill());
  if (signal === 'SIGKILL') {
    killed++;
    const { summary } = existsSync(`${dir}/config.json`) ? await openRun(dir) : {};
    places.push(summary ? String(summary.iteration) : '-');
    continue;
  }
  if (code !== 0) fail(`Session ${killed + 1} failed:\n${output}`);
  break;
}
console.log(`killed ${killed} times; last saved step each time: ${places.join(' ')}`);
const actual = (await openRun(dir)).summary?.weightsSha256;
console.log(`killed and resumed: ${actual}`);
if (killed < kills) fail(`The run ended after ${killed} kills: give more --epochs.`);
if (actual !== expected) fail('The weights differ.');
if ((await metricsWithoutTimes(dir)) !== (await metricsWithoutTimes(whole))) {
  fail('The weights are equal, but metrics.jsonl differs.');
}
console.log('Weights and metrics are equal.');
await rm(folder, { recursive: true, force: true });
