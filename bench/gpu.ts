// How fast a GPU trains: a check against the oracle, then images a second of every network in float32
// and mixed precision, and where the time of a step goes. `bench/gpu.sh` carries it to a bare machine.
//
//   node bench/gpu.ts [resnet20 resnet110 ...] [--batch 128] [--seconds 5] [--adapter <part of a name>]
//     [--precision float32,half] [--tune on] [--profile] [--json]

import { parseArgs } from 'node:util';
import { IMAGE_BYTES } from '../src/data/dataset.ts';
import { IMAGENET_NORMALIZATION } from '../src/data/normalization.ts';
import type { Backend, BatchInputs } from '../src/engine/backend.ts';
import { lowerTraining } from '../src/engine/lower-train.ts';
import type { Program } from '../src/engine/program.ts';
import { createReferenceBackend } from '../src/engine/reference/backend.ts';
import { createWebGpuBackend } from '../src/engine/webgpu/backend.ts';
import type { WebGpuExecutable } from '../src/engine/webgpu/executable.ts';
import { createNodeGpuHost } from '../src/engine/webgpu/host.node.ts';
import { initializeWeights } from '../src/nn/initialize.ts';
import { createNetwork, type Network } from '../src/nn/network.ts';
import { writeTraining } from '../src/train/executables.ts';
import { randomStream } from '../src/util/random.ts';

const TABLE_6 = ['resnet20', 'resnet32', 'resnet44', 'resnet56', 'resnet110', 'resnet1202'];
/** Steps that are queued before the first one's loss is awaited. */
const IN_FLIGHT = 3;
/** Two operations a multiply-add; forward, input gradient and weight gradient. */
const OPERATIONS = 6;
const SGD = { learningRate: 0.01, momentum: 0.9, weightDecay: 1e-4 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: 'string', default: '128' },
    seconds: { type: 'string', default: '5' },
    adapter: { type: 'string' },
    precision: { type: 'string', default: 'float32,half' },
    tune: { type: 'string', default: 'off' },
    profile: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const archs = positionals.length > 0 ? positionals : TABLE_6;
const batchSize = Number(values.batch);

function randomBatch(count: number): BatchInputs {
  const random = randomStream(1, 'bench');
  const integers = (length: number, bound: number) =>
    Array.from({ length }, () => random.integer(bound));
  return {
    count,
    images: Uint8Array.from(integers(count * IMAGE_BYTES, 256)),
    labels: Int32Array.from(integers(count, 10)),
    augmentation: Int32Array.from(integers(3 * count, 9), (crop, i) =>
      i % 3 === 2 ? crop % 2 : crop,
    ),
    sgd: SGD,
  };
}

function trainingProgram(network: Network, count: number): Program {
  const memory = network.arch === 'resnet1202' ? 'recompute' : 'keep';
  return lowerTraining(network, { batchSize: count, memory });
}

/** ‖a − b‖ / ‖b‖ of the weights after one step, against the float64 oracle. */
async function selfTest(backend: Backend): Promise<{ loss: number; gradient: number }> {
  const network = createNetwork('resnet8', { shortcut: 'A' });
  const program = trainingProgram(network, 4);
  const outcomes = [];
  for (const each of [createReferenceBackend(), backend]) {
    const executable = await each.compile(program);
    await writeTraining(executable, initializeWeights(network, 3), IMAGENET_NORMALIZATION);
    const { lossSum } = await executable.run(randomBatch(4));
    outcomes.push({ loss: lossSum / 4, gradients: await executable.read('gradients') });
    await executable.dispose();
  }
  const [expected, actual] = outcomes as [(typeof outcomes)[0], (typeof outcomes)[0]];
  let [difference, square] = [0, 0];
  expected.gradients.forEach((value, i) => {
    difference += (actual.gradients[i]! - value) ** 2;
    square += value ** 2;
  });
  return { loss: Math.abs(actual.loss - expected.loss), gradient: Math.sqrt(difference / square) };
}

/** Seconds of a step with several in flight, after a warm-up; the median of ten stretches. */
async function measure(executable: WebGpuExecutable, batch: BatchInputs): Promise<number> {
  const seconds = Number(values.seconds);
  await executable.run(batch);
  const stretch = async (steps: number) => {
    const begin = performance.now();
    const running: Promise<unknown>[] = [];
    for (let i = 0; i < steps; i++) {
      running.push(executable.run(batch));
      if (i >= IN_FLIGHT) await running[i - IN_FLIGHT];
    }
    await Promise.all(running);
    return (performance.now() - begin) / 1000 / steps;
  };
  const first = await stretch(2);
  const steps = Math.max(2, Math.ceil(seconds / 10 / first));
  const times: number[] = [];
  for (let i = 0; i < 10; i++) times.push(await stretch(steps));
  return times.sort((a, b) => a - b)[5]!;
}

async function profile(executable: WebGpuExecutable, batch: BatchInputs): Promise<string[]> {
  const sums = new Map<string, { milliseconds: number; multiplyAdds: number; kernels: number }>();
  for (const { name, tileKey, milliseconds, multiplyAdds } of await executable.time(batch)) {
    const kind = name.split(' ', 1)[0]!;
    const part = name.endsWith('weight sum') ? `${kind} sum` : kind;
    const key = tileKey && part === kind ? tileKey : part;
    const sum = sums.get(key) ?? { milliseconds: 0, multiplyAdds: 0, kernels: 0 };
    sum.milliseconds += milliseconds;
    sum.multiplyAdds += multiplyAdds;
    sum.kernels++;
    sums.set(key, sum);
  }
  const rows = [...sums].sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
  return rows.map(([key, { milliseconds, multiplyAdds, kernels }]) => {
    const rate = multiplyAdds > 0 ? `${((2 * multiplyAdds) / milliseconds / 1e6).toFixed(0)}` : '';
    return `| ${key} | ${kernels} | ${milliseconds.toFixed(3)} | ${rate} |`;
  });
}

const print = (line: string) => console.log(line);
let failed = false;
for (const precision of values.precision.split(',')) {
  const half = precision === 'half';
  const backend = await createWebGpuBackend({
    gpu: createNodeGpuHost(),
    adapterName: values.adapter,
    half,
    tune: values.tune === 'on' ? 'auto' : 'off',
  });
  const check = await selfTest(backend);
  const good = half
    ? check.loss < 2e-2 && check.gradient < 0.2
    : check.loss < 1e-4 && check.gradient < 1e-3;
  failed ||= !good;
  const distances = `loss ${check.loss.toExponential(1)}, gradient ${check.gradient.toExponential(1)} from the oracle`;
  if (values.json)
    print(
      JSON.stringify({ ...backend.facts, limits: backend.adapter.limits, selfTest: check, good }),
    );
  else {
    print(
      `\n${backend.description}\n${good ? 'self-test passed' : 'SELF-TEST FAILED'}: ${distances}\n`,
    );
    print('| network | batch | images/s | ms a step | TFLOP/s | memory, MiB |');
    print('|---|---|---|---|---|---|');
  }
  const profiles: string[] = [];
  for (const arch of archs) {
    const network = createNetwork(arch, arch.startsWith('plain') ? {} : { shortcut: 'A' });
    const program = trainingProgram(network, batchSize);
    const executable = await backend.compile(program);
    const weights = initializeWeights(network, 1);
    await writeTraining(executable, weights, IMAGENET_NORMALIZATION);
    const batch = randomBatch(batchSize);
    const seconds = await measure(executable, batch);
    const multiplyAdds = program.body.reduce((sum, operation) => {
      if (operation.kind !== 'convolution') return sum;
      const { outSize, outChannels, kernel, inChannels } = operation.conv;
      return operation.norm === undefined
        ? sum
        : sum + (outSize * kernel) ** 2 * outChannels * inChannels;
    }, 0);
    const flops = (OPERATIONS * multiplyAdds * batchSize) / seconds;
    const result = {
      arch,
      batchSize,
      imagesPerSecond: batchSize / seconds,
      stepMilliseconds: 1000 * seconds,
      teraflops: flops / 1e12,
      memoryBytes: executable.memoryBytes,
    };
    if (values.json) print(JSON.stringify(result));
    else {
      print(
        `| ${arch} | ${batchSize} | ${result.imagesPerSecond.toFixed(0)} | ${result.stepMilliseconds.toFixed(2)} | ${result.teraflops.toFixed(2)} | ${Math.ceil(result.memoryBytes / 2 ** 20)} |`,
      );
    }
    if (values.profile) {
      profiles.push(
        `\n${arch}, one step:\n`,
        '| kernels | number | ms | GFLOP/s |',
        '|---|---|---|---|',
      );
      profiles.push(...(await profile(executable, batch)));
    }
    await executable.dispose();
  }
  for (const line of profiles) print(line);
  await backend.dispose();
}
process.exitCode = failed ? 1 : 0;
