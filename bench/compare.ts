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
//   --width                                              default: what is in effect here
//   --python /usr/bin/python3,/opt/torch/bin/python      interpreters that may have PyTorch
//
// Peers in JavaScript: npm ci --prefix bench/peers. PyTorch: Debian's python3-torch, or pip's. Those that
// are not there are told of; where --peers named them, that is a failure. Without --device the CPU is
// measured, and the GPU where there is one. All results of a GPU in one go, also on a bare machine:
// bench/gpu.sh.

import { availableParallelism, cpus, loadavg } from 'node:os';
import { findAdapter } from '../src/engine/webgpu/adapter.ts';
import { createNodeGpuHost } from '../src/engine/webgpu/host.node.ts';
import { messageOf, UserError } from '../src/util/errors.ts';
import { mistake, readSettings } from './compare-options.ts';
import {
  type Contestant,
  javascript,
  Player,
  pytorch,
  pytorchGpu,
  type Task,
  table6,
  table6Gpu,
} from './contestants.ts';
import { formatRate, formatRatio, median } from './markdown.ts';

const settings = await orFail(() => readSettings(process.argv.slice(2)));
const { precisions, variants, memory, peers, rounds, seconds, pythons } = settings;

async function orFail<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    process.exit(error.exitCode);
  }
}

/** Those that `--device` names; without it the CPU, and the GPU where there is one. */
async function devices(): Promise<{ cpu: boolean; gpu?: string }> {
  const { devices: named, adapter } = settings;
  const host = createNodeGpuHost();
  if (named && !named.includes('webgpu')) return { cpu: true };
  if (!named && !host.mayHaveGpu()) return { cpu: true };
  const found = await findAdapter(host, adapter).catch((error: unknown) => {
    // A GPU that nobody asked for by name may be broken; the CPU is measured all the same.
    if (named || adapter !== undefined) throw mistake(messageOf(error));
    console.error(`bench: no GPU: ${messageOf(error)}`);
    return undefined;
  });
  if (!named) return { cpu: true, gpu: found && !found.isSoftware ? found.name : undefined };
  if (!found) throw mistake(`WebGPU finds no GPU. ${host.adviceWithoutAdapter}`);
  return { cpu: named.includes('cpu'), gpu: found.name };
}

/** Peers that were looked for and are not there, told once. */
const missing = new Set<string>();

/** What is there of a peer; notes its absence. */
function orMissing(title: string, found: Contestant[]): Contestant[] {
  if (found.length > 0 || missing.has(title)) return found;
  missing.add(title);
  console.error(`bench: left out: ${title}`);
  if (settings.namesPeers) process.exitCode = 1;
  return found;
}

function contestantsOf(task: Task): Contestant[] {
  const onGpu = task.threads === undefined;
  const device = onGpu ? 'webgpu' : 'cpu';
  const own = onGpu
    ? precisions.map((precision) => table6Gpu(task, precision, memory))
    : variants.map((variant) => table6(task, variant, memory));
  const others = peers.flatMap((peer) => {
    if (peer !== 'pytorch') {
      const advice = `${peer} is not installed (npm ci --prefix bench/peers)`;
      return orMissing(advice, javascript(task, peer, device));
    }
    return pythons.flatMap((python) => {
      const advice = `${python} has no PyTorch${onGpu ? ' that sees a GPU' : ''} (--python names another interpreter)`;
      return orMissing(advice, (onGpu ? pytorchGpu : pytorch)(task, python));
    });
  });
  return [...own, ...others];
}

/** Lets all play, in turn. Those of few rounds play last, since their turns are long. */
async function play(task: Task): Promise<Player[]> {
  const players = new Set<Player>();
  try {
    for (const contestant of contestantsOf(task)) {
      const player = await orLeftOut(Player.start(contestant));
      if (player) players.add(player);
    }
    for (let round = 0; round < rounds; round++) {
      for (const player of players) {
        if (round < rounds - (player.contestant.rounds ?? rounds)) continue;
        const isDone = await orLeftOut(player.turn(seconds).then(() => true));
        if (isDone) continue;
        player.stop();
        players.delete(player);
      }
    }
  } finally {
    for (const player of players) player.stop();
  }
  return [...players];
}

/** Says why where one does not start or go on: no room on the GPU, no compiler for PyTorch. */
async function orLeftOut<T>(attempt: Promise<T>): Promise<T | undefined> {
  try {
    return await attempt;
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

const { cpu, gpu } = await orFail(devices);
const date = new Date().toISOString().slice(0, 10);
const processor = `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores${gpu ? `, ${gpu}` : ''}`;
console.log(
  `${date}, ${processor}, Node ${process.versions.node}; batch ${settings.batch}, medians and range of ${rounds} interleaved rounds of ${seconds} s; load average before ${loadavg()[0]?.toFixed(1)}\n`,
);
console.log(
  '| network | step | threads | program | images/s | range | of PyTorch | images/CPU s | peak memory | first step |',
);
console.log('|---|---|--:|---|--:|--:|--:|--:|--:|--:|');
const { batch, adapter } = settings;
for (const arch of settings.networks) {
  for (const mode of settings.modes) {
    for (const threads of [...(cpu ? settings.threads : []), ...(gpu ? [undefined] : [])]) {
      const task = { arch, mode, batch, threads, adapter };
      report(task, await play(task));
    }
  }
}
