// PyTorch's values for a small network, in the tree (make_golden.py), and how far a backend is from
// them. Every value of the files is compared.

import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { IMAGENET_NORMALIZATION } from '../../src/data/normalization.ts';
import type { Backend } from '../../src/engine/backend.ts';
import { unpackTensors } from '../../src/engine/layout.ts';
import { lowerTraining } from '../../src/engine/lower-train.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { createInference, writeWeights } from '../../src/train/executables.ts';
import type { NamedTensors } from '../../src/util/tensor.ts';
import { type Deviation, distance } from '../support/deviations.ts';
import { parseFloats } from '../support/golden-steps.ts';
import { goldenBatch, goldenWeights } from './formula.ts';

const BATCH = 16;
const STEPS = 3;
const SAMPLES = 256;
const SGD = { learningRate: 0.1, momentum: 0.9, weightDecay: 1e-4 };

/** How far results may be from PyTorch's float64: losses absolutely, tensors relatively. */
export interface Bounds {
  /** What no gradient has touched: logits and losses, running statistics after one step. */
  readonly forward: number;
  readonly gradient: number;
  /** Weights, statistics and logits after three steps. */
  readonly trained: number;
}

/** The oracle computes in float64 too; what is left is the rounding of stored values. */
export const FLOAT64: Bounds = { forward: 3e-7, gradient: 3e-7, trained: 1e-6 };
/**
 * Measured 5e-6, and up to 8e-4 where a value beside a ReLU's zero has another sign in float32 than in
 * float64: then the gradient of one unit appears or vanishes.
 */
export const FLOAT32: Bounds = { forward: 3e-6, gradient: 3e-3, trained: 3e-3 };

/** The values that the files hold of a tensor. */
function sample(data: Float32Array): Float32Array {
  if (data.length <= SAMPLES) return data;
  const stride = data.length / SAMPLES;
  return Float32Array.from({ length: SAMPLES }, (_, k) => data[Math.floor(k * stride)]!);
}

function norm(data: Float32Array): number {
  return Math.sqrt(data.reduce((sum, value) => sum + value * value, 0));
}

/** Logits, three steps and logits again, each beside PyTorch's. */
export async function smallGoldenDeviations(
  backend: Backend,
  shortcut: 'A' | 'B',
  bounds: Bounds,
): Promise<Deviation[]> {
  const file = new URL(`resnet8-${shortcut.toLowerCase()}.safetensors`, import.meta.url);
  const golden = parseFloats(readFileSync(file));
  const found: Deviation[] = [];
  const compared = new Set<string>();
  const expected = (name: string): Float32Array => {
    compared.add(name);
    return golden.get(name)!.data;
  };
  const compare = (name: string, actual: Float32Array, bound: number) =>
    found.push({ what: name, value: distance(actual, expected(name)), bound });

  const network = createNetwork('resnet8', { shortcut });
  const weights = goldenWeights(network);
  const evaluate = async (name: string, evaluated: NamedTensors, bound: number) => {
    const inference = await createInference(
      backend,
      network,
      evaluated,
      IMAGENET_NORMALIZATION,
      BATCH,
    );
    await inference.run(goldenBatch(0, BATCH));
    compare(name, await inference.read('logits'), bound);
    await inference.dispose();
  };
  await evaluate('initial.logits', weights, bounds.forward);

  const program = lowerTraining(network, { batchSize: BATCH });
  const training = await backend.compile(program);
  const read = async (buffer: 'gradients' | 'parameters' | 'running') =>
    unpackTensors(
      program,
      buffer === 'running' ? 'running' : 'parameters',
      await training.read(buffer),
    );
  await writeWeights(training, weights, IMAGENET_NORMALIZATION);
  const losses = expected('losses');
  for (let step = 0; step < STEPS; step++) {
    const { lossSum } = await training.run({ ...goldenBatch(step * BATCH, BATCH), sgd: SGD });
    const value = Math.abs(lossSum / BATCH - losses[step]!);
    found.push({ what: `loss of step ${step}`, value, bound: bounds.forward });
    if (step > 0) continue;
    for (const [name, { data }] of await read('gradients')) {
      compare(`first.gradient.${name}`, sample(data), bounds.gradient);
      compare(`first.norm.${name}`, Float32Array.of(norm(data)), bounds.gradient);
    }
    for (const [name, { data }] of await read('running')) {
      compare(`first.running.${name}`, data, bounds.forward);
    }
  }
  const [parameters, running] = [await read('parameters'), await read('running')];
  await training.dispose();
  for (const [name, { data }] of parameters) {
    compare(`trained.weights.${name}`, sample(data), bounds.trained);
  }
  for (const [name, { data }] of running) compare(`trained.running.${name}`, data, bounds.trained);
  await evaluate('trained.logits', new Map([...parameters, ...running]), bounds.trained);

  expect([...golden.keys()].filter((name) => !compared.has(name))).toEqual([]);
  return found;
}
