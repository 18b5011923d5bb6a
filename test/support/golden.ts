// Golden values: one training step and three SGD steps that PyTorch computed on real images. A
// backend that reproduces them computes what PyTorch computes.

import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { IMAGE_BYTES } from '../../src/data/dataset.ts';
import { IMAGENET_NORMALIZATION } from '../../src/data/normalization.ts';
import type { Backend, BatchInputs } from '../../src/engine/backend.ts';
import { normalizationValues } from '../../src/engine/inputs.ts';
import { packTensors, unpackTensors } from '../../src/engine/layout.ts';
import { lowerInference } from '../../src/engine/lower-infer.ts';
import { lowerTraining, type MemoryMode } from '../../src/engine/lower-train.ts';
import { createNetwork, type Network } from '../../src/nn/network.ts';
import type { NamedTensors } from '../../src/util/tensor.ts';

export const GOLDEN_FILES = [
  { file: 'resnet20-pretrained', arch: 'resnet20', shortcut: 'A' },
  { file: 'resnet20-random', arch: 'resnet20', shortcut: 'A' },
  { file: 'resnet20-option-b', arch: 'resnet20', shortcut: 'B' },
  { file: 'plain20', arch: 'plain20', shortcut: undefined },
] as const;

const BATCH = 16;
const SGD = { learningRate: 0.1, momentum: 0.9, weightDecay: 1e-4 };

/** The tensors of a safetensors file of float32, read independently of the product's reader. */
export function readFloats(path: string): Map<string, { shape: number[]; data: Float32Array }> {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  const header: Record<string, { shape: number[]; data_offsets: [number, number] }> = JSON.parse(
    file.toString('utf8', 8, 8 + length),
  );
  const tensors = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [start, end] = entry.data_offsets;
    const bytes = file.subarray(8 + length + start, 8 + length + end);
    tensors.set(name, {
      shape: entry.shape,
      data: new Float32Array(Uint8Array.from(bytes).buffer),
    });
  }
  return tensors;
}

/** Records of a CIFAR-10 binary file as a batch without augmentation. */
export function readBatch(path: string, first: number, count: number): BatchInputs {
  const file = readFileSync(path);
  const images = new Uint8Array(count * IMAGE_BYTES);
  const labels = new Int32Array(count);
  const plane = IMAGE_BYTES / 3;
  for (let n = 0; n < count; n++) {
    const record = file.subarray((first + n) * (IMAGE_BYTES + 1));
    labels[n] = record[0]!;
    for (let i = 0; i < IMAGE_BYTES; i++) {
      images[n * IMAGE_BYTES + i] = record[1 + (i % 3) * plane + Math.floor(i / 3)]!;
    }
  }
  return { count, images, labels, augmentation: unmoved(count) };
}

/** Augmentation that moves nothing. */
export function unmoved(count: number): Int32Array {
  return Int32Array.from({ length: 3 * count }, (_, i) => (i % 3 === 2 ? 0 : 4));
}

/** ‖a − b‖ / ‖b‖ over the named tensors of b. */
export function relativeDistance(a: NamedTensors, b: NamedTensors): number {
  let difference = 0;
  let square = 0;
  for (const [name, { data }] of b) {
    const other = a.get(name);
    expect(other, name).toBeDefined();
    expect(other?.data.length, name).toBe(data.length);
    data.forEach((value, i) => {
      difference += (other!.data[i]! - value) ** 2;
      square += value ** 2;
    });
  }
  return Math.sqrt(difference / square);
}

function withPrefix(tensors: NamedTensors, prefix: string, match = /./): NamedTensors {
  const selected: NamedTensors = new Map();
  for (const [name, tensor] of tensors) {
    if (name.startsWith(prefix) && match.test(name)) {
      selected.set(name.slice(prefix.length), tensor);
    }
  }
  return selected;
}

export interface GoldenTolerances {
  readonly loss: number;
  readonly gradient: number;
  readonly running: number;
  readonly weights: number;
  readonly logits: number;
}

/** Training steps and an evaluation, compared with PyTorch's. */
export async function checkGolden(
  backend: Backend,
  golden: NamedTensors,
  images: string,
  options: {
    arch: string;
    shortcut?: Network['shortcut'];
    memory?: MemoryMode;
    /** Training steps to compare, 1 to 3 (default 3). */
    steps?: number;
  },
  tolerances: GoldenTolerances,
): Promise<void> {
  const network = createNetwork(options.arch, { shortcut: options.shortcut });
  const program = lowerTraining(network, { batchSize: BATCH, memory: options.memory });
  const training = await backend.compile(program);
  const normalization = normalizationValues(IMAGENET_NORMALIZATION);
  const initial = withPrefix(golden, 'initial.');
  await training.write('normalization', normalization);
  await training.write('parameters', packTensors(program, 'parameters', initial));
  await training.write('running', packTensors(program, 'running', initial));

  const losses = golden.get('losses')!.data;
  const steps = options.steps ?? 3;
  for (let step = 0; step < steps; step++) {
    const batch = readBatch(images, step * BATCH, BATCH);
    const { lossSum } = await training.run({ ...batch, sgd: SGD });
    expect(Math.abs(lossSum / BATCH - losses[step]!), `loss of step ${step}`).toBeLessThan(
      tolerances.loss,
    );
    if (step > 0) continue;
    const gradients = unpackTensors(program, 'parameters', await training.read('gradients'));
    const running = unpackTensors(program, 'running', await training.read('running'));
    expect(
      relativeDistance(gradients, withPrefix(golden, 'step0.grad.')),
      'gradients of the first step',
    ).toBeLessThan(tolerances.gradient);
    expect(
      relativeDistance(running, withPrefix(golden, 'step0.after.', /running/)),
      'running statistics after the first step',
    ).toBeLessThan(tolerances.running);
  }

  const parameters = await training.read('parameters');
  const running = await training.read('running');
  const after = withPrefix(golden, 'step2.after.');
  if (steps === 3) {
    expect(
      relativeDistance(
        new Map([
          ...unpackTensors(program, 'parameters', parameters),
          ...unpackTensors(program, 'running', running),
        ]),
        after,
      ),
      'weights and statistics after three steps',
    ).toBeLessThan(tolerances.weights);
  }
  await training.dispose();

  const inference = await backend.compile(lowerInference(network, { batchSize: BATCH }));
  await inference.write('normalization', normalization);
  await inference.write('parameters', packTensors(program, 'parameters', after));
  await inference.write('running', packTensors(program, 'running', after));
  await inference.run(readBatch(images, 0, BATCH));
  const logits = new Map([
    ['logits', { shape: [BATCH, network.classes], data: await inference.read('logits') }],
  ]);
  const expected = new Map([['logits', golden.get('eval.logits')!]]);
  expect(relativeDistance(logits, expected), 'logits').toBeLessThan(tolerances.logits);
  await inference.dispose();
}
