// The loop on a backend that really trains: ResNet-8 on ten random images with the oracle.

import { describe, expect, test } from 'vitest';
import { IMAGENET_NORMALIZATION } from '../../src/data/normalization.ts';
import { initializeWeights } from '../../src/nn/initialize.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { weightsSha256 } from '../../src/runs/checkpoint.ts';
import { evaluateSplit } from '../../src/train/evaluate.ts';
import { createInference } from '../../src/train/executables.ts';
import type { TrainingState } from '../../src/train/state.ts';
import { roundedReference } from './support/backends.ts';
import { collect, ofKind, tinyConfig, tinyDataset, tinyTrainer } from './support/tiny.ts';

const dataset = tinyDataset({ train: 5, test: 3 });
const config = tinyConfig({ epochs: 2, batchSize: 2 });

describe('ResNet-8 on the oracle', () => {
  test('resumed from the middle of an epoch, trains the same bits', async () => {
    const whole = await tinyTrainer(roundedReference(), { config, dataset });
    let middle: TrainingState | undefined;
    await collect(whole.run(), async (event) => {
      if (event.kind === 'step' && event.iteration === 4) {
        middle = structuredClone(await whole.snapshot());
      }
    });
    const resumed = await tinyTrainer(roundedReference(), { config, dataset, resume: middle });
    const events = await collect(resumed.run());
    expect(ofKind(events, 'step').map(({ epoch, batch }) => [epoch, batch])).toEqual([
      [1, 1],
      [1, 2],
    ]);
    const expected = await whole.snapshot();
    const actual = await resumed.snapshot();
    expect(await weightsSha256(actual.weights)).toBe(await weightsSha256(expected.weights));
    expect(await weightsSha256(actual.momentum)).toBe(await weightsSha256(expected.momentum));
  });

  test('the evaluation after an epoch is that of the saved weights and their normalisation', async () => {
    const trainer = await tinyTrainer(roundedReference(), {
      config: tinyConfig({ epochs: 1, batchSize: 2 }),
      dataset,
    });
    const evaluation = ofKind(await collect(trainer.run()), 'evaluation')[0]!;
    const { weights, normalization } = await trainer.snapshot();
    const network = createNetwork('resnet8', { classes: 3 });
    const inference = await createInference(roundedReference(), network, weights, normalization, 2);
    const report = await evaluateSplit(inference, dataset.test);
    expect(report.loss).toBeCloseTo(evaluation.loss, 6);
    expect(report.wrong).toBe(evaluation.wrong);
  });

  // `torch.optim.SGD(nesterov=True)`: buf = momentum·buf + d; the step is d + momentum·buf, where plain
  // momentum takes buf; buf is d before it at the first step.
  test("Nesterov's momentum keeps the same buffer and steps by a momentum more of it", async () => {
    const oneStep = async (overrides: { nesterov?: boolean }) => {
      const numbers = {
        epochs: 1,
        batchSize: 2,
        limitBatches: 1,
        momentum: 0.5,
        weightDecay: 0.25,
      };
      const trainer = await tinyTrainer(roundedReference(), {
        config: tinyConfig({ ...numbers, ...overrides }),
        dataset,
      });
      const before = structuredClone((await trainer.snapshot()).weights);
      await collect(trainer.run());
      return { before, after: await trainer.snapshot() };
    };
    const plain = await oneStep({});
    const nesterov = await oneStep({ nesterov: true });
    expect(await weightsSha256(nesterov.after.momentum)).toBe(
      await weightsSha256(plain.after.momentum),
    );
    for (const [name, { data }] of plain.after.momentum) {
      const stepOf = ({ before, after }: typeof plain, i: number) =>
        before.get(name)!.data[i]! - after.weights.get(name)!.data[i]!;
      for (let i = 0; i < data.length; i += 7) {
        expect(stepOf(plain, i)).toBeCloseTo(0.1 * data[i]!, 5);
        expect(stepOf(nesterov, i)).toBeCloseTo(0.1 * 1.5 * data[i]!, 5);
      }
    }
  });

  test('weight decay acts on every parameter, batch norm and bias included', async () => {
    const network = createNetwork('resnet8', { classes: 3 });
    const weights = initializeWeights(network, 3);
    // Away from PyTorch's zeros, so that a parameter that is left out shows.
    for (const [name, { data }] of weights) if (name.endsWith('.bias')) data.fill(0.25);
    const momentumAfterOneStep = async (weightDecay: number) => {
      const config = tinyConfig({ epochs: 1, batchSize: 2, limitBatches: 1, weightDecay });
      const trainer = await tinyTrainer(roundedReference(), {
        config,
        dataset,
        initialWeights: structuredClone(weights),
        normalization: IMAGENET_NORMALIZATION,
      });
      await collect(trainer.run());
      return (await trainer.snapshot()).momentum;
    };
    const without = await momentumAfterOneStep(0);
    const decayed = await momentumAfterOneStep(0.5);
    expect(decayed.size).toBe(without.size);
    for (const [name, { data }] of decayed) {
      const weight = weights.get(name)!.data;
      for (let i = 0; i < data.length; i++) {
        const difference = data[i]! - without.get(name)!.data[i]!;
        if (Math.abs(difference - 0.5 * weight[i]!) > 1e-4) {
          throw new Error(`${name}[${i}]: ${difference} instead of ${0.5 * weight[i]!}`);
        }
      }
    }
  });
});
