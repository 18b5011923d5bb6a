import { expect, test } from 'vitest';
import { createBatch, epochOrder, makeBatch } from '../../src/data/batches.ts';
import { IMAGENET_NORMALIZATION } from '../../src/data/normalization.ts';
import { unpackTensors } from '../../src/engine/layout.ts';
import { lowerInference } from '../../src/engine/lower-infer.ts';
import { lowerTraining } from '../../src/engine/lower-train.ts';
import type { Program } from '../../src/engine/program.ts';
import { createReferenceBackend } from '../../src/engine/reference/backend.ts';
import { layerResponses } from '../../src/experiment/responses.ts';
import { initializeWeights } from '../../src/nn/initialize.ts';
import { convNormLayers, createNetwork, type Network } from '../../src/nn/network.ts';
import { writeTraining, writeWeights } from '../../src/train/executables.ts';
import { randomStream } from '../../src/util/random.ts';
import type { NamedTensors } from '../../src/util/tensor.ts';
import { randomSplit } from '../train/support/tiny.ts';

const IMAGES = 6;
const split = randomSplit(IMAGES, 'responses');
const batch = createBatch(IMAGES);
makeBatch(split, epochOrder(0, 0, IMAGES, false), 0, IMAGES, batch);

/** Random weights, also in batch norm, with the running statistics of exactly this batch. */
async function weightsWithStatistics(network: Network): Promise<NamedTensors> {
  const weights = initializeWeights(network, 3);
  const random = randomStream(3, 'norms');
  for (const { norm } of convNormLayers(network)) {
    weights.get(`${norm.name}.weight`)!.data.forEach((_, c, all) => {
      all[c] = 0.2 + random.uniform();
    });
    weights.get(`${norm.name}.bias`)!.data.forEach((_, c, all) => {
      all[c] = random.normal() / 2;
    });
  }
  const program = lowerTraining(network, { batchSize: IMAGES, labelSmoothing: 0 });
  const executable = await createReferenceBackend().compile(program);
  await writeTraining(executable, weights, IMAGENET_NORMALIZATION);
  const before = await executable.read('running');
  await executable.run(batch);
  const after = await executable.read('running');
  // One step moves a running statistic a tenth of the way to the batch's.
  const ofBatch = after.map((value, i) => before[i]! + (value - before[i]!) / 0.1);
  return new Map([...weights, ...unpackTensors(program, 'running', ofBatch)]);
}

/** Runs an inference program as far as one convolution, without its shortcut and ReLU. */
async function measuredDeviation(program: Program, layer: string, weights: NamedTensors) {
  const at = program.body.findIndex(
    (operation) => operation.kind === 'convolutionInference' && operation.conv.name === layer,
  );
  const last = program.body[at]!;
  if (last.kind !== 'convolutionInference') throw new Error(`no layer ${layer}`);
  const executable = await createReferenceBackend().compile({
    ...program,
    body: [...program.body.slice(0, at), { ...last, relu: false, shortcut: undefined }],
    named: { ...program.named, logits: last.output },
  });
  await writeWeights(executable, weights, IMAGENET_NORMALIZATION);
  await executable.run(batch);
  const responses = await executable.read('logits');
  const mean = responses.reduce((sum, value) => sum + value, 0) / responses.length;
  const squares = responses.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / responses.length);
}

test.each(['resnet8', 'plain8'])(
  'the closed form is what a run over the images measures (%s)',
  async (arch) => {
    const network = createNetwork(arch);
    const weights = await weightsWithStatistics(network);
    const program = lowerInference(network, { batchSize: IMAGES });
    const responses = layerResponses(network, weights);
    for (const { name, deviation } of responses) {
      const measured = await measuredDeviation(program, name, weights);
      // The running variance is the unbiased one: 1/383 off in the smallest layer.
      expect(Math.abs(deviation / measured - 1), name).toBeLessThan(0.003);
    }
  },
);

test('counts the 3×3 layers, not the projections', () => {
  const network = createNetwork('resnet20', { shortcut: 'B' });
  const responses = layerResponses(network, initializeWeights(network, 1));
  expect(responses).toHaveLength(19);
  expect(responses.map(({ index }) => index)).toEqual(Array.from({ length: 19 }, (_, i) => i + 1));
  expect(responses.every(({ name }) => !name.includes('shortcut'))).toBe(true);
});

test('before training, with γ = 1 and β = 0, every response deviates by 1', () => {
  const network = createNetwork('resnet20');
  for (const { deviation } of layerResponses(network, initializeWeights(network, 1))) {
    expect(deviation).toBeCloseTo(1, 5);
  }
});

test('refuses the weights of another network', () => {
  const weights = initializeWeights(createNetwork('resnet8'), 1);
  expect(() => layerResponses(createNetwork('resnet14'), weights)).toThrow(/layer1\.1/);
});
