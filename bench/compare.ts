// `npm run bench`: one table of images a second for networks, training and inference, on the CPU with
// threads, SIMD widths and convolution algorithms, and on a GPU, beside the programs people would use
// instead. The contestants of a row group take turns, round after round, so that whatever else the
// machine does meets them all alike; ratios are taken within a round, and their median is what counts.
// Images a CPU second (of all threads) tell what a busy machine hides; waiting threads that spin count
// as busy.
//
//   npm run bench                                        ResNet-20, everything that is installed
//   npm run bench -- --networks resnet20,resnet110 --modes train --threads 2 --peers pytorch
//   npm run bench -- --width 256,128 --conv winograd4,winograd2,direct --peers none
//   npm run bench -- --device webgpu --precision float32,half,tensor-cores [--adapter NAME]
//   --batch 128 --rounds 5 --seconds 2 --memory auto     what a turn is
//   --python /usr/bin/python3,/opt/torch/bin/python      interpreters that may have PyTorch
//
// Peers in JavaScript: npm ci --prefix bench/peers. PyTorch: Debian's python3-torch, or pip's. Without
// --device the CPU is measured, and the GPU where there is one. All results of a GPU in one go, also
// on a bare machine: bench/gpu.sh.

import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { findAdapter } from '../src/engine/webgpu/adapter.ts';
import { createNodeGpuHost } from '../src/engine/webgpu/host.node.ts';
import { messageOf } from '../src/util/errors.ts';
import {
  type Contestant,
  javascript,
  Player,
  pytorch,
  pytorchGpu,
  type Task,
  table6,
  table6Gpu,
  type Variant,
} from './contestants.ts';
import { formatRate, formatRatio, median } from './markdown.ts';

const options = {
  device: { type: 'string' },
  adapter: { type: 'string' },
  precision: { type: 'string', default: 'float32,half' },
  networks: { type: 'string', default: 'resnet20' },
  modes: { type: 'string', default: 'train,infer' },
  threads: { type: 'string', default: [...new Set([1, availableParallelism()])].join(',') },
  width: { type: 'string', default: '256' },
  conv: { type: 'string', default: 'winograd4' },
  memory: { type: 'string', default: 'auto' },
  batch: { type: 'string', default: '128' },
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '2' },
  peers: { type: 'string', default: 'pytorch,tfjs,jax' },
  python: { type: 'string', default: process.env.PYTHON ?? 'python3' },
} as const;
const values = readOptions();

function readOptions() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

/** The words of an option, each of which must be known. */
function words<const Word extends string>(option: keyof typeof values, known: readonly Word[]) {
  return (values[option] ?? '').split(',').map((text) => {
    const word = known.find((candidate) => candidate === text);
    if (!word) fail(`--${option} takes ${known.join(', ')}, not "${text}"`);
    return word;
  });
}

function fail(message: string): never {
  console.error(`bench: ${message}`);
  process.exit(2);
}

function positive(option: keyof typeof values, text = values[option] ?? ''): number {
  const number = Number(text);
  if (!(number > 0)) fail(`--${option} takes positive numbers, not "${text}"`);
  return number;
}

const peers = words('peers', ['pytorch', 'tfjs', 'jax', 'none']);
const rounds = positive('rounds');
const seconds = positive('seconds');
const variants = words('width', ['256', '128']).flatMap((width): Variant[] =>
  words('conv', ['winograd4', 'winograd2', 'direct']).map((convolution) => ({
    width,
    convolution,
  })),
);

const [memory] = words('memory', ['auto', 'keep', 'recompute']);
const precisions = words('precision', ['float32', 'half', 'tensor-cores']);

/** Those that `--device` names; without it the CPU, and the GPU where there is one. */
async function devices(): Promise<{ cpu: boolean; gpu?: string }> {
  const named = values.device === undefined ? undefined : words('device', ['cpu', 'webgpu']);
  const host = createNodeGpuHost();
  if (!named?.includes('webgpu') && (named || !host.mayHaveGpu())) return { cpu: true };
  const found = await findAdapter(host, values.adapter).catch((error: Error) =>
    fail(error.message),
  );
  if (!named) return { cpu: true, gpu: found && !found.isSoftware ? found.name : undefined };
  if (!found) return fail(`WebGPU finds no GPU. ${host.adviceWithoutAdapter}`);
  return { cpu: named.includes('cpu'), gpu: found.name };
}

function contestantsOf(task: Task): Contestant[] {
  const pythons = values.python.split(',');
  const onGpu = task.threads === undefined;
  const device = onGpu ? 'webgpu' : 'cpu';
  return [
    ...(onGpu
      ? precisions.map((precision) => table6Gpu(task, precision, memory!))
      : variants.map((variant) => table6(task, variant, memory!))),
    ...(peers.includes('pytorch')
      ? pythons.flatMap((python) => (onGpu ? pytorchGpu : pytorch)(task, python))
      : []),
    ...(peers.includes('tfjs') ? javascript(task, 'tfjs', device) : []),
    ...(peers.includes('jax') ? javascript(task, 'jax', device) : []),
  ];
}

/** Lets all play, in turn. Those of few rounds play last, since their turns are long. */
async function play(task: Task): Promise<Player[]> {
  const players: Player[] = [];
  try {
    for (const contestant of contestantsOf(task)) {
      const player = await start(contestant);
      if (player) players.push(player);
    }
    for (let round = 0; round < rounds; round++) {
      for (const player of players) {
        if (round >= rounds - (player.contestant.rounds ?? rounds)) await player.turn(seconds);
      }
    }
  } finally {
    for (const player of players) player.stop();
  }
  return players;
}

/** Says why where it does not start: no room on the GPU, no compiler for PyTorch. */
async function start(contestant: Contestant): Promise<Player | undefined> {
  try {
    return await Player.start(contestant);
  } catch (error) {
    console.error(`bench: left out: ${messageOf(error)}`);
    process.exitCode = 1;
    return undefined;
  }
}

const rates = (player: Player) => player.turns.map(({ imagesPerSecond }) => imagesPerSecond);
const cpuRates = (player: Player) =>
  player.turns.map(({ imagesPerCpuSecond }) => imagesPerCpuSecond);

/** Of each program its fastest variant. */
function bestOf(players: readonly Player[]): Player[] {
  const best = new Map<string, Player>();
  for (const player of players) {
    const { program } = player.contestant;
    const other = best.get(program);
    if (!other || median(rates(player)) > median(rates(other))) best.set(program, player);
  }
  return [...best.values()];
}

/** Median over rounds of a player's rate over that of the best PyTorch of its precision. */
function ratio(player: Player, all: readonly Player[]): string {
  const { precision } = player.contestant;
  const peer = all
    .filter(({ contestant }) => contestant.program.startsWith('PyTorch'))
    .filter(({ contestant }) => contestant.precision === precision)
    .toSorted((a, b) => median(rates(b)) - median(rates(a)))[0];
  if (!peer) return '';
  const [own, others] = [rates(player).toReversed(), rates(peer).toReversed()];
  return formatRatio(median(own.map((rate, i) => rate / others[i]!)), 1);
}

function report(task: Task, players: readonly Player[]): void {
  const shown = bestOf(players);
  for (const player of shown) {
    const all = rates(player);
    const peak = Math.max(...player.turns.map(({ peakBytes }) => peakBytes));
    const cells = [
      task.arch,
      task.mode,
      String(task.threads ?? 'GPU'),
      player.contestant.name,
      formatRate(median(all)),
      `${formatRate(Math.min(...all))}-${formatRate(Math.max(...all))}`,
      ratio(player, shown),
      formatRate(median(cpuRates(player))),
      `${(peak / 2 ** 20).toFixed(0)} MiB`,
      `${player.firstStepSeconds.toFixed(2)} s`,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

const { cpu, gpu } = await devices();
const date = new Date().toISOString().slice(0, 10);
const processor = `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores${gpu ? `, ${gpu}` : ''}`;
console.log(
  `${date}, ${processor}, Node ${process.versions.node}; batch ${values.batch}, medians and range of ${rounds} interleaved rounds of ${seconds} s; load average before ${loadavg()[0]?.toFixed(1)}\n`,
);
console.log(
  '| network | step | threads | program | images/s | range | of PyTorch | images/CPU s | peak memory | first step |',
);
console.log('|---|---|--:|---|--:|--:|--:|--:|--:|--:|');
for (const arch of values.networks.split(',')) {
  for (const mode of words('modes', ['train', 'infer'])) {
    const threads = values.threads.split(',').map((text) => positive('threads', text));
    for (const each of [...(cpu ? threads : []), ...(gpu ? [undefined] : [])]) {
      const task = { arch, mode, batch: positive('batch'), threads: each, adapter: values.adapter };
      report(task, await play(task));
    }
  }
}
