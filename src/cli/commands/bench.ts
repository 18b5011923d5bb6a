// `table6 bench`: how many images a second a training step and an inference step do on this machine,
// each step timed by itself, so that the spread shows how quiet the machine was. Random pictures and
// fresh weights: the time of a step does not depend on them. On a GPU steps overlap as in training.

import { createBatch, epochOrder, makeBatch } from '../../data/batches.ts';
import { emptySplit, type Split } from '../../data/dataset.ts';
import { IMAGENET_NORMALIZATION } from '../../data/normalization.ts';
import type { Backend, Executable } from '../../engine/backend.ts';
import { lowerInference } from '../../engine/lower-infer.ts';
import { lowerTrainingFor, type MemoryMode } from '../../engine/lower-train.ts';
import type { Program } from '../../engine/program.ts';
import { initializeWeights } from '../../nn/initialize.ts';
import { createNetwork, type Network } from '../../nn/network.ts';
import { multiplyAdds } from '../../nn/summary.ts';
import { writeTraining, writeWeights } from '../../train/executables.ts';
import { formatBytes, formatRate } from '../../util/format.ts';
import { randomStream } from '../../util/random.ts';
import { defineCommand } from '../command.ts';
import { printJson } from '../console/print.ts';
import { backendOptions, openBackend } from '../session/backend.ts';
import {
  convOption,
  deviceOption,
  halfOption,
  jsonOption,
  memoryOption,
  tensorCoresOption,
  threadsOption,
  tuneOption,
} from '../session/common-options.ts';
import { formatTable, progressTerminal } from '../session/output.ts';
import {
  type OperationProfile,
  openProfiler,
  type Profiler,
  profiled,
  profileTable,
} from '../session/profile.ts';
import { choice, flag, integer, number } from '../values.ts';

/** For a median. */
const LEAST_TIMES = 5;
/** A training step computes the forward pass, the gradients of inputs and of weights. */
const TRAINING_PASSES = 3;

interface Measurement {
  readonly arch: string;
  readonly mode: 'train' | 'infer';
  readonly batchSize: number;
  readonly steps: number;
  /** Images a second, of single steps. */
  readonly median: number;
  readonly slowest: number;
  readonly fastest: number;
  readonly milliseconds: number;
  /** 10⁹ floating-point operations a second of the direct algorithm, two to a multiply-add. */
  readonly gflops: number;
  readonly memoryBytes: number;
  readonly compileSeconds: number;
  /** Gathering a batch on the main thread, as a share of the step it overlaps with. */
  readonly inputShare: number;
  /** With --profile. */
  readonly operations?: readonly OperationProfile[];
}

export const bench = defineCommand({
  description:
    'Prints the median over single steps and the range from the 10th to the 90th percentile. GFLOP/s count the direct algorithm, two operations to a multiply-add, three forward passes to a training step. --profile adds a table of operations, on the CPU and on GPUs that have timestamps; an operation may exceed its ceiling where it multiplies less than is counted (Winograd) or finds its operands in a cache.',
  arguments: [
    { name: 'ARCH', help: 'networks to time (default resnet20)', required: false, repeated: true },
  ],
  options: {
    mode: choice(['both', 'train', 'infer'], { help: 'What to time', initial: 'both' }),
    batchSize: integer({
      help: 'Images a step',
      short: 'b',
      initial: 128,
      minimum: 1,
      maximum: 65536,
    }),
    seconds: number({ help: 'How long to measure each', initial: 5, minimum: 0 }),
    shortcut: choice(['A', 'B'], { help: 'Shortcut option', initial: 'A' }),
    device: deviceOption,
    threads: threadsOption,
    convolution: convOption,
    memory: memoryOption,
    half: halfOption,
    tensorCores: tensorCoresOption,
    tune: tuneOption,
    profile: flag({
      help: 'Time, GFLOP/s, GB/s and share of what the processor could do, of each operation',
    }),
    json: jsonOption,
  },
  examples: [
    { command: 'bench', help: 'ResNet-20, batch 128, all cores' },
    { command: 'bench resnet20 resnet110 --mode train', help: 'Two networks, training only' },
    { command: 'bench --mode train --profile', help: 'Where the time of a step goes' },
    { command: 'bench --device webgpu --half', help: 'A GPU, in mixed precision' },
    { command: 'bench --threads 1 --conv direct --json', help: 'To compare settings' },
  ],
  async run({ values, positionals }) {
    const { mode, batchSize, seconds, shortcut, memory, profile, json } = values;
    const archs = positionals.length > 0 ? positionals : ['resnet20'];
    const networks = archs.map((arch) =>
      createNetwork(arch, arch.startsWith('plain') ? {} : { shortcut }),
    );
    const options = backendOptions(values);
    const backend = await openBackend(options);
    const terminal = progressTerminal(json);
    const results: Measurement[] = [];
    let profiler: Profiler | undefined;
    try {
      terminal.line(backend.description);
      profiler = profile ? await openProfiler(backend) : undefined;
      for (const network of networks) {
        for (const each of ['train', 'infer'] as const) {
          if (mode !== 'both' && mode !== each) continue;
          terminal.draw(`timing ${network.arch} ${each}`);
          const settings = { network, mode: each, batchSize, memory, seconds };
          const measurement = await measure(backend, settings);
          const operations = profiler && (await profileStep(backend, profiler, settings));
          results.push({ ...measurement, operations });
        }
      }
    } finally {
      terminal.clear();
      await backend.dispose();
    }
    if (json) printJson({ backend: backend.description, facts: backend.facts, results });
    else {
      terminal.line(table(results));
      for (const { arch, mode, operations } of results) {
        if (!operations) continue;
        terminal.line(`\n${arch} ${mode}, by operation:`);
        terminal.line(profileTable(operations, profiler?.ceilings));
      }
    }
    return 0;
  },
});

interface StepSettings {
  readonly network: Network;
  readonly mode: 'train' | 'infer';
  readonly batchSize: number;
  readonly memory: MemoryMode;
  readonly seconds: number;
}

const SGD = { learningRate: 0.01, momentum: 0.9, weightDecay: 1e-4 };

async function measure(backend: Backend, settings: StepSettings): Promise<Measurement> {
  const { network, mode, batchSize, seconds } = settings;
  const begin = performance.now();
  const executable = await backend.compile(await lower(backend, settings));
  await writeInitial(executable, settings);
  const split = randomImages(2 * batchSize, network.classes);
  const batch = createBatch(batchSize);
  const order = epochOrder(1, 0, split.count, true);
  const step = () => executable.run(mode === 'train' ? { ...batch, sgd: SGD } : batch);
  const gather: number[] = [];
  for (let i = 0; i < 5; i++) {
    gather.push(
      await timed(async () => makeBatch(split, order, 0, batchSize, batch, { seed: 1, epoch: i })),
    );
  }
  await step();
  const compileSeconds = (performance.now() - begin) / 1000;
  await step();
  const inFlight = executable.stepsInFlight ?? 1;
  const times = await stepTimes(step, inFlight, seconds);
  await executable.dispose();
  times.sort((a, b) => a - b);
  const quantile = (share: number) => times[Math.round(share * (times.length - 1))] as number;
  const median = quantile(0.5);
  const passes = mode === 'train' ? TRAINING_PASSES : 1;
  return {
    arch: network.arch,
    mode,
    batchSize,
    steps: times.length * inFlight,
    median: batchSize / median,
    slowest: batchSize / quantile(0.9),
    fastest: batchSize / quantile(0.1),
    milliseconds: 1000 * median,
    gflops: (2 * passes * batchSize * multiplyAdds(network)) / median / 1e9,
    memoryBytes: executable.memoryBytes,
    compileSeconds,
    inputShare: gather.sort((a, b) => a - b)[2]! / median,
  };
}

async function lower(
  backend: Backend,
  { network, mode, batchSize, memory }: StepSettings,
): Promise<Program> {
  return mode === 'train'
    ? await lowerTrainingFor(backend, network, { batchSize, memory })
    : lowerInference(network, { batchSize });
}

/** Gives an executable random weights. */
async function writeInitial(executable: Executable, { network, mode }: StepSettings) {
  const weights = initializeWeights(network, 1);
  if (mode === 'train') await writeTraining(executable, weights, IMAGENET_NORMALIZATION);
  else await writeWeights(executable, weights, IMAGENET_NORMALIZATION);
}

async function profileStep(backend: Backend, profiler: Profiler, settings: StepSettings) {
  const { network, mode, batchSize, seconds } = settings;
  const { executable, time } = await profiler.compile(await lower(backend, settings));
  await writeInitial(executable, settings);
  const split = randomImages(batchSize, network.classes);
  const batch = createBatch(batchSize);
  const augment = { seed: 1, epoch: 0 };
  makeBatch(split, epochOrder(1, 0, batchSize, true), 0, batchSize, batch, augment);
  const inputs = mode === 'train' ? { ...batch, sgd: SGD } : batch;
  const operations = await profiled(time, inputs, seconds, profiler);
  await executable.dispose();
  return operations;
}

function randomImages(count: number, classes: number): Split {
  const split = emptySplit(count);
  const random = randomStream(1, 'bench');
  for (let i = 0; i < split.images.length; i++) split.images[i] = random.integer(256);
  for (let i = 0; i < count; i++) split.labels[i] = i % classes;
  return split;
}

/**
 * Seconds of steps, with as many in flight as training has. Those in flight may end together, so that
 * only the time of as many steps says something.
 * @param seconds for about how long
 */
async function stepTimes(
  step: () => Promise<unknown>,
  inFlight: number,
  seconds: number,
): Promise<number[]> {
  const times: number[] = [];
  const running: Promise<unknown>[] = [];
  let last = performance.now();
  const end = last + 1000 * seconds;
  while (performance.now() < end || times.length < LEAST_TIMES) {
    for (let i = 0; i < inFlight; i++) {
      while (running.length < inFlight) running.push(step());
      await running.shift();
    }
    const now = performance.now();
    times.push((now - last) / 1000 / inFlight);
    last = now;
  }
  await Promise.all(running);
  return times;
}

/** Seconds. */
async function timed(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return (performance.now() - start) / 1000;
}

function table(results: readonly Measurement[]): string {
  return formatTable(
    [
      'network',
      'step',
      'batch',
      'images/s',
      '10-90 %',
      'ms/step',
      'GFLOP/s',
      'memory',
      'first step',
      'input',
    ],
    results.map((result) => [
      result.arch,
      result.mode,
      String(result.batchSize),
      formatRate(result.median),
      `${formatRate(result.slowest)}-${formatRate(result.fastest)}`,
      result.milliseconds.toFixed(1),
      result.gflops.toFixed(1),
      formatBytes(result.memoryBytes),
      `${result.compileSeconds.toFixed(2)} s`,
      `${(100 * result.inputShare).toFixed(2)} %`,
    ]),
    (column) => column > 1,
  );
}
