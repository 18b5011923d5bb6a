// Golden values: one training step and three SGD steps that PyTorch computed on real images, an
// evaluation, and how far a backend is from them. A backend that reproduces them computes what PyTorch
// computes. Works on bytes, wherever they come from: a page in a browser does the same as Node.js.

import { IMAGE_BYTES } from '../../src/data/dataset.ts';
import { IMAGENET_NORMALIZATION } from '../../src/data/normalization.ts';
import type { Backend, BatchInputs } from '../../src/engine/backend.ts';
import { unpackTensors } from '../../src/engine/layout.ts';
import { type Activations, lowerTraining } from '../../src/engine/lower-train.ts';
import { createNetwork, type Network } from '../../src/nn/network.ts';
import { createInference, writeWeights } from '../../src/train/executables.ts';
import type { NamedTensors } from '../../src/util/tensor.ts';
import { type Deviation, distance } from './deviations.ts';

export const GOLDEN_FILES = [
  { file: 'resnet20-pretrained', arch: 'resnet20', shortcut: 'A' },
  { file: 'resnet20-random', arch: 'resnet20', shortcut: 'A' },
  { file: 'resnet20-option-b', arch: 'resnet20', shortcut: 'B' },
  { file: 'plain20', arch: 'plain20', shortcut: undefined },
] as const;

const BATCH = 16;
const SGD = { learningRate: 0.1, momentum: 0.9, weightDecay: 1e-4 };

/** The tensors of a safetensors file of float32, read independently of the product's reader. */
export function parseFloats(file: Uint8Array): NamedTensors {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header: Record<string, { shape: number[]; data_offsets: [number, number] }> = JSON.parse(
    new TextDecoder().decode(file.subarray(8, 8 + length)),
  );
  const tensors: NamedTensors = new Map();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [start, end] = entry.data_offsets;
    // A copy: slice() of a Node.js Buffer is a view of the whole file.
    const bytes = Uint8Array.from(file.subarray(8 + length + start, 8 + length + end));
    tensors.set(name, { shape: entry.shape, data: new Float32Array(bytes.buffer) });
  }
  return tensors;
}

/** Records of a CIFAR-10 binary file as a batch without augmentation. */
export function parseRecords(file: Uint8Array, first: number, count: number): BatchInputs {
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
    if (other?.data.length !== data.length) throw new Error(`${name} is missing or of other size`);
    data.forEach((value, i) => {
      difference += (other.data[i]! - value) ** 2;
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

export interface GoldenOptions {
  readonly arch: string;
  readonly shortcut?: Network['shortcut'];
  readonly memory?: Activations;
  /** Training steps to compare, 1 to 3 (default 3). */
  readonly steps?: number;
}

export interface GoldenTolerances {
  readonly loss: number;
  readonly gradient: number;
  readonly running: number;
  readonly weights: number;
  readonly logits: number;
}

/**
 * Training steps and an evaluation, beside PyTorch's.
 * @param golden the tensors of a golden file
 * @param records the bytes of CIFAR-10's test_batch.bin, or of its beginning
 */
export async function goldenDeviations(
  backend: Backend,
  golden: NamedTensors,
  records: Uint8Array,
  options: GoldenOptions,
  tolerances: GoldenTolerances,
): Promise<Deviation[]> {
  const network = createNetwork(options.arch, { shortcut: options.shortcut });
  const program = lowerTraining(network, { batchSize: BATCH, memory: options.memory });
  const training = await backend.compile(program);
  await writeWeights(training, withPrefix(golden, 'initial.'), IMAGENET_NORMALIZATION);
  const found: Deviation[] = [];

  const losses = golden.get('losses')!.data;
  const steps = options.steps ?? 3;
  for (let step = 0; step < steps; step++) {
    const batch = parseRecords(records, step * BATCH, BATCH);
    const { lossSum } = await training.run({ ...batch, sgd: SGD });
    found.push({
      what: `loss of step ${step}`,
      value: Math.abs(lossSum / BATCH - losses[step]!),
      bound: tolerances.loss,
    });
    if (step > 0) continue;
    const gradients = unpackTensors(program, 'parameters', await training.read('gradients'));
    const running = unpackTensors(program, 'running', await training.read('running'));
    found.push(
      {
        what: 'gradients of the first step',
        value: relativeDistance(gradients, withPrefix(golden, 'step0.grad.')),
        bound: tolerances.gradient,
      },
      {
        what: 'running statistics after the first step',
        value: relativeDistance(running, withPrefix(golden, 'step0.after.', /running/)),
        bound: tolerances.running,
      },
    );
  }

  const after = withPrefix(golden, 'step2.after.');
  if (steps === 3) {
    const trained = new Map([
      ...unpackTensors(program, 'parameters', await training.read('parameters')),
      ...unpackTensors(program, 'running', await training.read('running')),
    ]);
    found.push({
      what: 'weights and statistics after three steps',
      value: relativeDistance(trained, after),
      bound: tolerances.weights,
    });
  }
  await training.dispose();

  const inference = await createInference(backend, network, after, IMAGENET_NORMALIZATION, BATCH);
  await inference.run(parseRecords(records, 0, BATCH));
  const logits = await inference.read('logits');
  found.push({
    what: 'logits',
    value: distance(logits, golden.get('eval.logits')!.data),
    bound: tolerances.logits,
  });
  await inference.dispose();
  return found;
}
