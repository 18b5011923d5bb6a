// Training with frozen layers: what is frozen keeps its bits and computes as in evaluation, what is
// trained gets the gradient of exactly that function, on the oracle and on the CPU engine.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend, Executable } from '../../src/engine/backend.ts';
import { packTensors } from '../../src/engine/layout.ts';
import { lowerInference } from '../../src/engine/lower-infer.ts';
import { lowerTraining } from '../../src/engine/lower-train.ts';
import { planMemory } from '../../src/engine/plan.ts';
import type { Program } from '../../src/engine/program.ts';
import { createReferenceBackend } from '../../src/engine/reference/backend.ts';
import { createWasmBackend } from '../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../src/engine/wasm/host.node.ts';
import { initializeWeights } from '../../src/nn/initialize.ts';
import { createNetwork, STAGES, type Stage } from '../../src/nn/network.ts';
import { randomStream } from '../../src/util/random.ts';
import type { NamedTensors } from '../../src/util/tensor.ts';
import { randomBatch, testNormalization } from '../conformance/cases.ts';
import { distance } from '../support/deviations.ts';
import { differenceRatios } from './support/finite-differences.ts';

const BATCH = 6;
const SGD = { learningRate: 0.05, momentum: 0.9, weightDecay: 1e-2 };

/** Weights with lively statistics, so that running and batch statistics give different outputs. */
function livelyWeights(arch: string, shortcut?: 'A' | 'B'): NamedTensors {
  const random = randomStream(5, 'freeze-test');
  const weights = initializeWeights(createNetwork(arch, { shortcut }), 2);
  for (const [name, { data }] of weights) {
    const low = { running_mean: -0.5, running_var: 0.5 }[name.split('.').at(-1)!];
    if (low === undefined) continue;
    for (let i = 0; i < data.length; i++) data[i] = low + random.uniform();
  }
  return weights;
}

async function load(executable: Executable, weights: NamedTensors): Promise<void> {
  const { program } = executable;
  await executable.write('normalization', testNormalization(false));
  await executable.write('parameters', packTensors(program, 'parameters', weights));
  await executable.write('running', packTensors(program, 'running', weights));
}

/** Two SGD steps from the same weights, the second on a short batch. */
async function train(backend: Backend, program: Program, weights: NamedTensors) {
  const executable = await backend.compile(program);
  await load(executable, weights);
  const loss: number[] = [];
  for (const count of [BATCH, 4]) {
    const batch = randomBatch(program.network.classes, BATCH, 7 + count);
    loss.push((await executable.run({ ...batch, count, sgd: SGD })).lossSum);
  }
  const state = {
    loss,
    parameters: await executable.read('parameters'),
    running: await executable.read('running'),
    momentum: await executable.read('momentum'),
    gradients: await executable.read('gradients'),
  };
  await executable.dispose();
  return state;
}

/** Whether a tensor belongs to a stage up to `freeze`. */
function isFrozen(name: string, freeze: Stage): boolean {
  const part = name.split('.')[0]!.replace(/^bn1$/, 'conv1');
  const place = (STAGES as readonly string[]).indexOf(part);
  return place >= 0 && place <= STAGES.indexOf(freeze);
}

let wasm: Backend;
let oneThread: Backend;
beforeAll(async () => {
  wasm = await createWasmBackend({ host: createNodeHost(), threads: 2 });
  oneThread = await createWasmBackend({ host: createNodeHost(), threads: 1 });
});
afterAll(() => Promise.all([wasm.dispose(), oneThread.dispose()]));

const networks = [
  { arch: 'resnet8', shortcut: 'A', memory: 'keep', stages: STAGES },
  { arch: 'resnet14', shortcut: 'B', memory: 'recompute', stages: ['conv1', 'layer2'] },
  { arch: 'plain8', shortcut: undefined, memory: 'keep', stages: ['layer1'] },
] as const;

describe.each(networks)('$arch $shortcut, $memory', ({ arch, shortcut, memory, stages }) => {
  const network = createNetwork(arch, { shortcut });
  const weights = livelyWeights(arch, shortcut);

  it.each(stages)('frozen up to %s', async (freeze) => {
    const program = lowerTraining(network, { batchSize: BATCH, memory, freeze });
    const oracle = await train(createReferenceBackend(), program, weights);
    const actual = await train(wasm, program, weights);
    const before = {
      parameters: packTensors(program, 'parameters', weights),
      running: packTensors(program, 'running', weights),
    };
    for (const { name, buffer, offset, length } of program.slots) {
      const part = (flat: Float32Array) => flat.subarray(offset, offset + length);
      for (const state of [oracle, actual]) {
        const isUnchanged = part(state[buffer]).every((v, i) => v === part(before[buffer])[i]);
        expect(isUnchanged, name).toBe(isFrozen(name, freeze));
      }
      if (isFrozen(name, freeze)) continue;
      expect(distance(part(actual[buffer]), part(oracle[buffer])), name).toBeLessThan(1e-4);
      if (buffer === 'running') continue;
      expect(distance(part(actual.momentum), part(oracle.momentum)), name).toBeLessThan(2e-3);
    }
    for (const [i, loss] of actual.loss.entries()) expect(loss / oracle.loss[i]!).toBeCloseTo(1, 5);
    expect(await train(oneThread, program, weights)).toEqual(actual);
  });
});

describe('frozen layers', () => {
  const network = createNetwork('resnet8', { shortcut: 'B' });
  const weights = livelyWeights('resnet8', 'B');

  it('compute as in evaluation: with all stages frozen, the loss is the evaluation’s', async () => {
    const backend = createReferenceBackend();
    const program = lowerTraining(network, { batchSize: BATCH, freeze: 'layer3' });
    const trained = await backend.compile(program);
    const evaluated = await backend.compile(lowerInference(network, { batchSize: BATCH }));
    await load(trained, weights);
    await load(evaluated, weights);
    const batch = randomBatch(10, BATCH, 3);
    const loss = (await evaluated.run(batch)).lossSum;
    expect((await trained.run({ ...batch, sgd: SGD })).lossSum).toBeCloseTo(loss, 10);
    expect((await trained.run(batch)).lossSum).not.toBeCloseTo(loss, 3);
  });

  it.each(['conv1', 'layer2'] as const)(
    'give the others the gradient that finite differences show (%s)',
    async (freeze) => {
      const program = lowerTraining(network, { batchSize: BATCH, freeze });
      const executable = await createReferenceBackend().compile(program);
      await load(executable, weights);
      const batch = randomBatch(10, BATCH, 4);
      const parameters = packTensors(program, 'parameters', weights);
      const kinds = [/layer3.*conv1/, /layer3.*bn2/, /shortcut.0/, /linear/];
      const isTrained = (name: string) => !isFrozen(name, freeze);
      const ratios = await differenceRatios(executable, parameters, batch, kinds, isTrained);
      expect(ratios.size).toBe(kinds.length);
      for (const [kind, ratio] of ratios) expect(ratio, kind).toBeCloseTo(1, 2);
    },
  );

  it('need less memory and fewer operations the more there are', () => {
    const size = (freeze?: Stage) => {
      const options = { batchSize: 128, memory: 'keep', freeze } as const;
      const { bytes, body } = lowerTraining(createNetwork('resnet20'), options);
      return [bytes, body.length];
    };
    const sizes = [undefined, ...STAGES].map(size);
    const operations = sizes.map(([, count]) => count!);
    expect(operations.toSorted((a, b) => b - a)).toEqual(operations);
    const [none, , layer1, layer2] = sizes.map(([bytes]) => bytes!);
    expect(layer1).toBeLessThan(0.6 * none!);
    expect(layer2).toBeLessThan(0.4 * none!);
  });

  it('leave a program that the memory plan accepts', () => {
    for (const freeze of STAGES) {
      const { buffers, setup, body, bytes } = lowerTraining(network, { batchSize: 4, freeze });
      expect(planMemory(buffers, setup, body).bytes).toBe(bytes);
    }
  });
});
