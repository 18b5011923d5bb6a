// How fast a step is: images a second of training and inference on synthetic bytes, for a network,
// a number of threads and an algorithm. With --profile, where the time goes.
//
//   node bench/step.ts [resnet20] [--batch 128] [--threads 1,2] [--convolution winograd4,direct]
//     [--steps 10] [--memory keep] [--optimizer sgd|muon] [--profile]

import { parseArgs } from 'node:util';
import { IMAGE_BYTES } from '../src/data/dataset.ts';
import { IMAGENET_NORMALIZATION } from '../src/data/normalization.ts';
import type { BatchInputs } from '../src/engine/backend.ts';
import { normalizationValues } from '../src/engine/inputs.ts';
import { packTensors } from '../src/engine/layout.ts';
import { lowerInference } from '../src/engine/lower-infer.ts';
import { lowerTrainingFor, type MemoryMode } from '../src/engine/lower-train.ts';
import type { Optimizer } from '../src/engine/optimizers.ts';
import { createWasmBackend, type ProfiledExecutable } from '../src/engine/wasm/backend.ts';
import { createNodeHost } from '../src/engine/wasm/host.node.ts';
import type { ConvolutionAlgorithm } from '../src/engine/wasm/protocol.ts';
import { initializeWeights } from '../src/nn/initialize.ts';
import { createNetwork } from '../src/nn/network.ts';
import { randomStream } from '../src/util/random.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: 'string', default: '128' },
    threads: { type: 'string', default: '1,2' },
    convolution: { type: 'string', default: 'winograd4' },
    steps: { type: 'string', default: '10' },
    memory: { type: 'string', default: 'auto' },
    optimizer: { type: 'string', default: 'sgd' },
    profile: { type: 'boolean', default: false },
  },
});
const network = createNetwork(positionals[0] ?? 'resnet20');
const batchSize = Number(values.batch);
const steps = Number(values.steps);

const random = randomStream(1, 'bench');
const batch: BatchInputs = {
  count: batchSize,
  images: Uint8Array.from({ length: batchSize * IMAGE_BYTES }, () => random.uniform() * 256),
  labels: Int32Array.from({ length: batchSize }, () => random.uniform() * network.classes),
  augmentation: Int32Array.from({ length: 3 * batchSize }, (_, i) =>
    i % 3 === 2 ? random.uniform() * 2 : random.uniform() * 9,
  ),
};
const muon = { learningRate: 0.01, weightDecay: 0.03 };
const sgd = { learningRate: 0.01, momentum: 0.9, weightDecay: 1e-4, muon };

/** Median milliseconds of a step, after two to warm up. */
async function measure(executable: ProfiledExecutable, inputs: BatchInputs): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < steps + 2; i++) {
    const start = performance.now();
    await executable.run(inputs);
    times.push(performance.now() - start);
  }
  return times.slice(2).sort((a, b) => a - b)[Math.floor(steps / 2)] as number;
}

async function profile(executable: ProfiledExecutable, inputs: BatchInputs): Promise<void> {
  const rows = await executable.profile(inputs);
  const kinds = new Map<string, number>();
  for (const { name, milliseconds, multiplyAdds } of rows) {
    const kind = name.split(' ')[0] as string;
    kinds.set(kind, (kinds.get(kind) ?? 0) + milliseconds);
    const rate = milliseconds > 0 ? ((2 * multiplyAdds) / milliseconds / 1e6).toFixed(0) : '';
    if (milliseconds >= 0.5) {
      console.log(
        `  ${name.padEnd(44)} ${milliseconds.toFixed(2).padStart(8)} ms ${rate.padStart(6)} GFLOP/s`,
      );
    }
  }
  for (const [kind, milliseconds] of kinds) {
    console.log(`  ${`all ${kind}`.padEnd(44)} ${milliseconds.toFixed(2).padStart(8)} ms`);
  }
}

console.log(
  '| network | batch | engine | train img/s | ms/step | infer img/s | train MB | infer MB |',
);
console.log('|---|---|---|---|---|---|---|---|');
for (const convolution of values.convolution.split(',') as ConvolutionAlgorithm[]) {
  for (const threads of values.threads.split(',').map(Number)) {
    const backend = await createWasmBackend({ host: createNodeHost(), threads, convolution });
    const weights = initializeWeights(network, 1);
    const programs = [
      await lowerTrainingFor(backend, network, {
        batchSize,
        memory: values.memory as MemoryMode,
        optimizer: values.optimizer as Optimizer,
      }),
      lowerInference(network, { batchSize }),
    ];
    const results: { rate: number; ms: number; megabytes: number }[] = [];
    for (const program of programs) {
      const executable = await backend.compile(program);
      await executable.write('parameters', packTensors(program, 'parameters', weights));
      await executable.write('running', packTensors(program, 'running', weights));
      await executable.write('normalization', normalizationValues(IMAGENET_NORMALIZATION));
      const inputs = program.mode === 'train' ? { ...batch, sgd } : batch;
      const ms = await measure(executable, inputs);
      const megabytes = executable.memoryBytes / 1e6;
      results.push({ rate: (1000 * batchSize) / ms, ms, megabytes });
      if (values.profile) await profile(executable, inputs);
      await executable.dispose();
    }
    const [train, infer] = results as [(typeof results)[0], (typeof results)[0]];
    console.log(
      `| ${network.arch} | ${batchSize} | ${backend.description} | ${train.rate.toFixed(0)} | ${train.ms.toFixed(1)} | ${infer.rate.toFixed(0)} | ${train.megabytes.toFixed(0)} | ${infer.megabytes.toFixed(0)} |`,
    );
    await backend.dispose();
  }
}
