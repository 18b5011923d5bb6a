import { readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { IMAGENET_NORMALIZATION } from '../../../src/data/normalization.ts';
import { normalizationValues } from '../../../src/engine/inputs.ts';
import { packTensors } from '../../../src/engine/layout.ts';
import { lowerInference } from '../../../src/engine/lower-infer.ts';
import { createReferenceBackend } from '../../../src/engine/reference/backend.ts';
import { type OnnxOptions, writeOnnx } from '../../../src/interop/onnx/write.ts';
import { writePyTorch } from '../../../src/interop/pytorch/write.ts';
import {
  fromNamedTensors,
  readSafetensors,
  toNamedTensors,
  writeSafetensors,
} from '../../../src/interop/safetensors/safetensors.ts';
import { readWeights } from '../../../src/interop/weights.ts';
import { initializeWeights } from '../../../src/nn/initialize.ts';
import { createNetwork, type Network } from '../../../src/nn/network.ts';
import { randomStream } from '../../../src/util/random.ts';
import type { NamedTensors } from '../../../src/util/tensor.ts';
import { sharedFile } from '../../support/shared.ts';

const PLANE = 32 * 32;
const PLACES = 3 * PLANE;

/** Logits of the model for images given as planes of bytes (NCHW). */
async function onnxLogits(model: Uint8Array, pixels: Uint8Array, input: OnnxOptions['input']) {
  const session = await InferenceSession.create(model);
  const shape = [pixels.length / PLACES, 3, 32, 32];
  const { mean, deviation } = IMAGENET_NORMALIZATION;
  const normalized = () =>
    Float32Array.from(pixels, (value, i) => {
      const channel = Math.floor(i / PLANE) % 3;
      return (value / 255 - mean[channel]!) / deviation[channel]!;
    });
  const image =
    input === 'uint8'
      ? new Tensor('uint8', pixels, shape)
      : new Tensor('float32', input === 'float' ? Float32Array.from(pixels) : normalized(), shape);
  const { logits } = await session.run({ image });
  expect(logits?.dims).toEqual([shape[0], logits!.dims[1]]);
  return logits!.data as Float32Array;
}

/** Logits of our own float64 engine for the same images. */
async function referenceLogits(network: Network, tensors: NamedTensors, pixels: Uint8Array) {
  const count = pixels.length / PLACES;
  const images = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) {
    const [n, channel, place] = [Math.floor(i / PLACES), Math.floor(i / PLANE) % 3, i % PLANE];
    images[n * PLACES + place * 3 + channel] = pixels[i]!;
  }
  const program = lowerInference(network, { batchSize: count });
  const executable = await createReferenceBackend().compile(program);
  await executable.write('normalization', normalizationValues(IMAGENET_NORMALIZATION));
  await executable.write('parameters', packTensors(program, 'parameters', tensors));
  await executable.write('running', packTensors(program, 'running', tensors));
  const augmentation = Int32Array.from({ length: 3 * count }, (_, i) => (i % 3 === 2 ? 0 : 4));
  await executable.run({ count, images, labels: new Int32Array(count), augmentation });
  return executable.read('logits');
}

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

const noise = (images: number) => {
  const random = randomStream(1, 'onnx-test');
  return Uint8Array.from({ length: images * PLACES }, () => random.integer(256));
};

/** Initial weights with batch norms as after training: nothing is exactly one or zero. */
function livelyWeights(network: Network): NamedTensors {
  const random = randomStream(2, 'onnx-test');
  const tensors = initializeWeights(network, 3);
  for (const [name, { shape, data }] of tensors) {
    if (shape.length !== 1) continue;
    const [low, high] =
      name.endsWith('running_var') || name.endsWith('.weight') ? [0.5, 1.5] : [-0.3, 0.3];
    for (let i = 0; i < data.length; i++) data[i] = low + (high - low) * random.uniform();
  }
  return tensors;
}

describe('ONNX Runtime computes our logits', () => {
  const normalization = IMAGENET_NORMALIZATION;
  const networks: [string, Network][] = [
    ['resnet8 A', createNetwork('resnet8')],
    ['resnet14 B', createNetwork('resnet14', { shortcut: 'B', classes: 3 })],
    ['plain8', createNetwork('plain8')],
  ];
  it.each(networks)('%s: folded or not, whatever the input', async (_name, network) => {
    const tensors = livelyWeights(network);
    const pixels = noise(3);
    const expected = await referenceLogits(network, tensors, pixels);
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.5);
    for (const foldBatchNorm of [true, false]) {
      for (const input of ['normalized', 'uint8', 'float'] as const) {
        const model = writeOnnx(network, tensors, { foldBatchNorm, input, normalization });
        const logits = await onnxLogits(model, pixels, input);
        expect(largestDifference(logits, expected), `${input}, ${foldBatchNorm}`).toBeLessThan(
          1e-4,
        );
      }
    }
  });

  it('takes any number of images with one model', async () => {
    const network = createNetwork('resnet8');
    const model = writeOnnx(network, livelyWeights(network));
    for (const count of [1, 2, 5]) {
      expect(await onnxLogits(model, noise(count), 'normalized')).toHaveLength(10 * count);
    }
  });

  it('subtracts a mean image in its own order', async () => {
    const network = createNetwork('resnet8');
    const tensors = livelyWeights(network);
    const random = randomStream(4, 'onnx-test');
    const mean = Array.from({ length: PLACES }, () => random.uniform());
    const deviation = [1, 0.5, 0.25];
    const model = writeOnnx(network, tensors, {
      input: 'uint8',
      normalization: { mean, deviation },
    });
    const pixels = noise(1);
    const byHand = Float32Array.from(pixels, (value, i) => {
      const [channel, place] = [Math.floor(i / PLANE), i % PLANE];
      return (value / 255 - mean[place * 3 + channel]!) / deviation[channel]!;
    });
    const session = await InferenceSession.create(writeOnnx(network, tensors));
    const { logits } = await session.run({ image: new Tensor('float32', byHand, [1, 3, 32, 32]) });
    const ours = await onnxLogits(model, pixels, 'uint8');
    expect(largestDifference(ours, logits!.data as Float32Array)).toBeLessThan(1e-4);
  });
});

describe('the model describes itself', () => {
  const network = createNetwork('resnet8', { classes: 2 });
  const tensors = livelyWeights(network);
  const model = (options?: OnnxOptions) =>
    fromBinary(ModelProtoSchema, writeOnnx(network, tensors, options));

  it('with opset 17, a named batch dimension, and its metadata', () => {
    const { opsetImport, graph, metadataProps } = model({
      classNames: ['cat', 'dog'],
      metadata: { recipe: 'paper' },
    });
    expect(opsetImport[0]?.version).toBe(17n);
    expect(graph?.input.map(({ name }) => name)).toEqual(['image']);
    const shape = graph?.input[0]?.type?.value;
    expect(shape?.case === 'tensorType' && shape.value.shape?.dim[0]?.value).toEqual({
      case: 'dimParam',
      value: 'batch',
    });
    expect(Object.fromEntries(metadataProps.map(({ key, value }) => [key, value]))).toEqual({
      arch: 'resnet8',
      shortcut: 'A',
      classes: '["cat","dog"]',
      recipe: 'paper',
    });
  });

  it('has batch norms only if they are not folded', () => {
    const operators = (folded: boolean) =>
      new Set(model({ foldBatchNorm: folded }).graph?.node.map(({ opType }) => opType));
    expect(operators(true).has('BatchNormalization')).toBe(false);
    expect(operators(false).has('BatchNormalization')).toBe(true);
  });

  it('has the same bytes every time', () => {
    expect(writeOnnx(network, tensors)).toEqual(writeOnnx(network, tensors));
  });

  it('refuses what would not fit', () => {
    expect(() => model({ input: 'uint8' })).toThrow('needs the normalisation of its weights');
    expect(() => model({ classNames: ['cat'] })).toThrow(
      '1 class names for a network of 2 classes',
    );
    const mean = { mean: [1, 2], deviation: [1, 1, 1] };
    expect(() => model({ input: 'float', normalization: mean })).toThrow('not 2 and 3');
    expect(() => writeOnnx(createNetwork('resnet14'), tensors)).toThrow('is not a resnet14');
  });
});

const sample = sharedFile('data/cifar10-sample/cifar-10-batches-bin/test_batch.bin');

/** Records of CIFAR-10's binary layout: a label, then the planes as ONNX wants them. */
function readRecords(path: string): { labels: number[]; pixels: Uint8Array } {
  const file = readFileSync(path);
  const count = file.length / (PLACES + 1);
  const pixels = new Uint8Array(count * PLACES);
  const labels: number[] = [];
  for (let i = 0; i < count; i++) {
    const record = file.subarray(i * (PLACES + 1), (i + 1) * (PLACES + 1));
    labels.push(record[0]!);
    pixels.set(record.subarray(1), i * PLACES);
  }
  return { labels, pixels };
}

describe.skipIf(sample === undefined)('the published weights through every format', () => {
  it.each([
    ['resnet20-12fca82f', 85],
    ['resnet56-4bfd9763', 74],
  ])('%s: .th, safetensors, .pth and ONNX give %i wrong of 1,017', async (name, wrong) => {
    const path = `data/pretrained/${name}`;
    const { labels, pixels } = readRecords(sample!);
    const published = readWeights(readFileSync(sharedFile(`${path}.th`)!)).tensors;
    const safetensors = readSafetensors(writeSafetensors(fromNamedTensors(published)));
    const weights = readWeights(writePyTorch(toNamedTensors(safetensors.tensors)));
    const model = writeOnnx(weights.network, weights.tensors, {
      input: 'uint8',
      normalization: IMAGENET_NORMALIZATION,
    });
    const logits = await onnxLogits(model, pixels, 'uint8');

    const mistakes = labels.filter((label, i) => {
      const row = logits.subarray(i * 10, i * 10 + 10);
      return row.indexOf(Math.max(...row)) !== label;
    });
    expect(mistakes).toHaveLength(wrong);
    const expected = JSON.parse(readFileSync(sharedFile(`${path}.expected.json`)!, 'utf8'));
    const first: number[][] = expected.logits_of_first_16_images;
    expect(largestDifference(first.flat(), logits)).toBeLessThan(1e-4);
  });
});

describe.skipIf(sample === undefined)('golden logits of PyTorch', () => {
  it.each([
    ['resnet20-pretrained', 'resnet20', 'A'],
    ['resnet20-option-b', 'resnet20', 'B'],
    ['plain20', 'plain20', 'none'],
  ] as const)('%s', async (file, arch, shortcut) => {
    const bytes = readFileSync(sharedFile(`golden/${file}.safetensors`)!);
    const golden = toNamedTensors(readSafetensors(bytes).tensors);
    const network = shortcut === 'none' ? createNetwork(arch) : createNetwork(arch, { shortcut });
    const after = new Map(
      [...golden]
        .filter(([name]) => name.startsWith('step2.after.'))
        .map(([name, tensor]) => [name.slice('step2.after.'.length), tensor]),
    );
    const pixels = readRecords(sample!).pixels.subarray(0, 16 * PLACES);
    const logits = await onnxLogits(writeOnnx(network, after), pixels, 'normalized');
    expect(largestDifference(golden.get('eval.logits')!.data, logits)).toBeLessThan(1e-4);
  });
});
