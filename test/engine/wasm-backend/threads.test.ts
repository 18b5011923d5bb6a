import { describe, expect, it } from 'vitest';
import { packTensors } from '../../../src/engine/layout.ts';
import { lowerInference } from '../../../src/engine/lower-infer.ts';
import { lowerTraining } from '../../../src/engine/lower-train.ts';
import { createWasmBackend } from '../../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../../src/engine/wasm/host.node.ts';
import { initializeWeights } from '../../../src/nn/initialize.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import { randomBatch, testNormalization } from '../../conformance/cases.ts';
import { trainedState } from '../../conformance/outcome.ts';

const host = createNodeHost();

describe('results have the same bits for any number of threads', () => {
  const cases = [
    { arch: 'resnet8', shortcut: 'A', convolution: 'winograd4', memory: 'keep' },
    { arch: 'resnet8', shortcut: 'B', convolution: 'winograd2', memory: 'keep' },
    { arch: 'resnet14', shortcut: 'B', convolution: 'winograd4', memory: 'recompute' },
    { arch: 'resnet8', shortcut: 'A', convolution: 'direct', memory: 'keep' },
    { arch: 'resnet8', shortcut: 'B', convolution: 'winograd4', memory: 'keep', freeze: 'layer1' },
    { arch: 'resnet8', shortcut: 'B', convolution: 'direct', memory: 'keep', optimizer: 'muon' },
  ] as const;

  it.each(cases)('$arch $shortcut, $convolution, $memory: training', async (test) => {
    const { arch, shortcut, convolution, memory } = test;
    const freeze = 'freeze' in test ? test.freeze : undefined;
    const network = createNetwork(arch, { shortcut });
    const optimizer = 'optimizer' in test ? test.optimizer : undefined;
    const program = lowerTraining(network, { batchSize: 40, memory, freeze, optimizer });
    // The last batch is short, with a block that is only partly filled.
    const steps = [40, 40, 23].map((count, i) => ({ ...randomBatch(10, 40, i), count }));
    const states = [];
    for (const threads of [1, 2, 3]) {
      const backend = await createWasmBackend({ host, threads, convolution });
      states.push(await trainedState(backend, program, steps));
      await backend.dispose();
    }
    expect(states[0]!.metrics.every(({ lossSum }) => Number.isFinite(lossSum))).toBe(true);
    expect(states[1]).toEqual(states[0]);
    expect(states[2]).toEqual(states[0]);
  });

  it('evaluation, also of one image at a time', async () => {
    const network = createNetwork('resnet8', { shortcut: 'A' });
    const program = lowerInference(network, { batchSize: 40 });
    const weights = initializeWeights(network, 5);
    const batch = randomBatch(10, 40, 0);
    const results = [];
    for (const threads of [1, 3]) {
      const backend = await createWasmBackend({ host, threads });
      const executable = await backend.compile(program);
      await executable.write('parameters', packTensors(program, 'parameters', weights));
      await executable.write('running', packTensors(program, 'running', weights));
      await executable.write('normalization', testNormalization(true));
      const metrics = [];
      for (const count of [40, 1, 9]) metrics.push(await executable.run({ ...batch, count }));
      results.push({ metrics, logits: await executable.read('logits') });
      await backend.dispose();
    }
    expect(results[1]).toEqual(results[0]);
  });
});
