import { describe, expect, test } from 'vitest';
import type { BatchInputs } from '../../src/engine/backend.ts';
import type { TrainConfig } from '../../src/train/config.ts';
import { arithmeticBackend } from './support/backends.ts';
import {
  collect,
  copyState,
  identity,
  ofKind,
  oneCycle,
  tinyConfig,
  tinyDataset,
  tinyTrainer,
} from './support/tiny.ts';

describe('the stream of events', () => {
  test('tells an epoch as steps, its end, an evaluation and a time to save', async () => {
    const trainer = await tinyTrainer(arithmeticBackend());
    const kinds = (await collect(trainer.run()))
      .filter(({ kind }) => kind !== 'evaluation-progress')
      .map(({ kind }) => kind);
    const epoch = ['step', 'step', 'step', 'epoch-end', 'evaluation', 'checkpoint'];
    expect(kinds).toEqual(['start', ...epoch, ...epoch, 'end']);
  });

  test('counts the last, smaller batches of training and test set', async () => {
    const trainer = await tinyTrainer(arithmeticBackend());
    const events = await collect(trainer.run());
    const steps = ofKind(events, 'step').filter(({ epoch }) => epoch === 0);
    expect(steps.map(({ count }) => count)).toEqual([4, 4, 2]);
    const weighed = steps.reduce((sum, { loss, count }) => sum + loss * count, 0) / 10;
    expect(ofKind(events, 'epoch-end')[0]!.trainLoss).toBeCloseTo(weighed, 12);
    expect(ofKind(events, 'evaluation')[0]).toMatchObject({ images: 5, partial: false, wrong: 3 });
  });

  test('survives JSON', async () => {
    const trainer = await tinyTrainer(arithmeticBackend());
    const events = await collect(trainer.run());
    expect(JSON.parse(JSON.stringify(events))).toEqual(events);
  });

  test('gives every image once an epoch, in another order and place each epoch', async () => {
    const dataset = tinyDataset();
    const batches: BatchInputs[] = [];
    const backend = arithmeticBackend({ onTrain: (batch) => batches.push(structuredClone(batch)) });
    await collect((await tinyTrainer(backend, { dataset })).run());
    const imagesOf = (epoch: number) =>
      batches
        .slice(3 * epoch, 3 * epoch + 3)
        .flatMap(({ count, images }) =>
          Array.from({ length: count }, (_, i) => images.slice(i * 3072, i * 3072 + 9).join()),
        );
    const all = Array.from({ length: 10 }, (_, i) =>
      dataset.train.images.slice(i * 3072, i * 3072 + 9).join(),
    ).sort();
    expect(imagesOf(0).sort()).toEqual(all);
    expect(imagesOf(1).sort()).toEqual(all);
    expect(imagesOf(0)).not.toEqual(imagesOf(1));
    expect(batches[0]!.augmentation).not.toEqual(batches[3]!.augmentation);
  });

  test('passes the rate of the schedule, momentum and weight decay to every step', async () => {
    const batches: BatchInputs[] = [];
    const backend = arithmeticBackend({ onTrain: (batch) => batches.push(batch) });
    const config = tinyConfig({ epochs: 3, milestones: [1, 2], momentum: 0.8, weightDecay: 0.01 });
    const events = await collect((await tinyTrainer(backend, { config })).run());
    const rates = batches.map(({ sgd }) => sgd!.learningRate);
    expect(rates.map((rate) => rate.toFixed(6))).toEqual(
      [0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001].map((rate) => rate.toFixed(6)),
    );
    expect(ofKind(events, 'step').map(({ learningRate }) => learningRate)).toEqual(rates);
    expect(batches[0]!.sgd).toMatchObject({ momentum: 0.8, weightDecay: 0.01 });
  });

  test('moves a one-cycle rate at every step, and tells it', async () => {
    const batches: BatchInputs[] = [];
    const backend = arithmeticBackend({ onTrain: (batch) => batches.push(batch) });
    const config = oneCycle();
    const events = await collect((await tinyTrainer(backend, { config })).run());
    const rates = batches.map(({ sgd }) => sgd!.learningRate);
    expect(rates.map((rate) => rate.toFixed(6))).toEqual(
      [1 / 3, 2 / 3, 1, 6 / 7, 5 / 7, 4 / 7, 3 / 7, 2 / 7, 1 / 7].map((share) =>
        (0.1 * share).toFixed(6),
      ),
    );
    expect(ofKind(events, 'step').map(({ learningRate }) => learningRate)).toEqual(rates);
    expect(ofKind(events, 'epoch-end').map(({ learningRate }) => learningRate)).toEqual(
      [2, 5, 8].map((last) => rates[last]),
    );
  });

  test('ends in the middle of an epoch where the schedule counts iterations', async () => {
    const schedule: TrainConfig['schedule'] = {
      ...{ kind: 'steps', unit: 'iterations', length: 5, milestones: [4], gamma: 0.1 },
      warmup: { kind: 'none' },
    };
    const config = { ...tinyConfig(), schedule };
    const events = await collect((await tinyTrainer(arithmeticBackend(), { config })).run());
    expect(ofKind(events, 'step')).toHaveLength(5);
    expect(ofKind(events, 'step').at(-1)!.learningRate).toBeCloseTo(0.01, 12);
    expect(ofKind(events, 'evaluation').map(({ epoch }) => epoch)).toEqual([0, 1]);
    expect(events.at(-1)).toMatchObject({ kind: 'end', outcome: 'complete' });
  });

  test('limits batches of training and evaluation, and says that the error is not the whole set', async () => {
    const config = tinyConfig({ limitBatches: 1, epochs: 1 });
    const events = await collect((await tinyTrainer(arithmeticBackend(), { config })).run());
    expect(ofKind(events, 'step')).toHaveLength(1);
    expect(ofKind(events, 'evaluation')[0]).toMatchObject({ images: 4, partial: true });
  });

  test('begins later epochs where the schedule has them', async () => {
    const config = tinyConfig({ epochs: 4, startEpoch: 3 });
    const events = await collect((await tinyTrainer(arithmeticBackend(), { config })).run());
    expect(ofKind(events, 'step').map(({ epoch }) => epoch)).toEqual([3, 3, 3]);
    expect(ofKind(events, 'step')[0]!.learningRate).toBeCloseTo(0.001, 12);
  });
});

describe('what must not change the weights', () => {
  const finalIdentity = async (config = tinyConfig()) => {
    const trainer = await tinyTrainer(arithmeticBackend(), { config });
    await collect(trainer.run());
    return identity(await trainer.snapshot());
  };

  test('saving, printing and evaluating more or less often', async () => {
    const expected = await finalIdentity();
    expect(await finalIdentity(tinyConfig({ checkpointSteps: 1 }))).toEqual(expected);
    expect(await finalIdentity(tinyConfig({ printFreq: 1, saveEvery: 1 }))).toEqual(expected);
  });

  test('while the seed must', async () => {
    expect(await finalIdentity(tinyConfig({ seed: 2 }))).not.toEqual(await finalIdentity());
  });
});

describe('best', () => {
  const errors = [4, 1, 2];
  const backend = () =>
    arithmeticBackend({
      evaluate: (evaluation, count) => (count === 4 ? 4 - errors[evaluation - 1]! : 1),
    });

  test('is the lowest error of the run, and a reason to save', async () => {
    const config = tinyConfig({ epochs: 3 });
    const events = await collect((await tinyTrainer(backend(), { config })).run());
    expect(
      ofKind(events, 'evaluation').map(({ isBest, bestEpoch }) => [isBest, bestEpoch]),
    ).toEqual([
      [true, 0],
      [true, 1],
      [false, 1],
    ]);
    expect(ofKind(events, 'checkpoint').map(({ reasons }) => reasons)).toEqual([
      ['epoch', 'best'],
      ['epoch', 'best'],
      ['epoch', 'final'],
    ]);
    expect(ofKind(events, 'end')[0]!.result).toEqual({
      final: { epoch: 2, error: 0.4 },
      bestOnTest: { epoch: 1, error: 0.2 },
    });
  });

  test('starts afresh in every run of one process', async () => {
    const config = tinyConfig({ epochs: 1 });
    for (let run = 0; run < 2; run++) {
      const events = await collect((await tinyTrainer(backend(), { config })).run());
      expect(ofKind(events, 'evaluation')[0]).toMatchObject({ isBest: true, bestEpoch: 0 });
    }
  });

  test('is chosen on validation where there is such a split', async () => {
    const dataset = tinyDataset({ validation: 4 });
    const config = tinyConfig({ epochs: 1, validation: 4 });
    const trainer = await tinyTrainer(arithmeticBackend(), { config, dataset });
    const events = await collect(trainer.run());
    expect(ofKind(events, 'evaluation').map(({ split }) => split)).toEqual(['validation', 'test']);
    expect(ofKind(events, 'end')[0]!.result).toEqual({
      final: { epoch: 0, error: 0.6 },
      bestOnTest: { epoch: 0, error: 0.6 },
      bestOnValidation: { epoch: 0, validationError: 0.5, error: 0.6 },
    });
  });
});

describe('stopping', () => {
  test('finishes the step, asks to save and ends as interrupted; the rest makes the same weights', async () => {
    const config = tinyConfig({ epochs: 3 });
    const whole = await tinyTrainer(arithmeticBackend(), { config });
    await collect(whole.run());
    const stop = { requested: false };
    const first = await tinyTrainer(arithmeticBackend(), { config, stop });
    const events = await collect(first.run(), (event) => {
      if (event.kind === 'step' && event.iteration === 4) stop.requested = true;
    });
    expect(events.slice(-3)).toMatchObject([
      {
        kind: 'checkpoint',
        reasons: ['interrupted'],
        position: { epoch: 1, batch: 1, iteration: 4 },
      },
      { kind: 'interrupted', position: { epoch: 1, batch: 1, iteration: 4 } },
      { kind: 'end', outcome: 'interrupted' },
    ]);
    const resume = copyState(await first.snapshot());
    const second = await tinyTrainer(arithmeticBackend(), { config, resume });
    await collect(second.run());
    expect(await identity(await second.snapshot())).toEqual(await identity(await whole.snapshot()));
  });

  test('during an evaluation keeps the epoch and evaluates it after resuming', async () => {
    const stop = { requested: false };
    const first = await tinyTrainer(arithmeticBackend(), { stop });
    const events = await collect(first.run(), (event) => {
      if (event.kind === 'evaluation-progress') stop.requested = true;
    });
    expect(ofKind(events, 'evaluation')).toHaveLength(0);
    expect(ofKind(events, 'interrupted')[0]!.position).toEqual({
      epoch: 0,
      batch: 3,
      iteration: 3,
    });
    const resume = copyState(await first.snapshot());
    const second = await tinyTrainer(arithmeticBackend(), { resume });
    const rest = await collect(second.run());
    expect(ofKind(rest, 'evaluation').map(({ epoch }) => epoch)).toEqual([0, 1]);
    expect(ofKind(rest, 'step').map(({ epoch }) => epoch)).toEqual([1, 1, 1]);
  });
});

describe('divergence', () => {
  test('a loss that is no number stops training, names the batch and saves nothing', async () => {
    const trainer = await tinyTrainer(arithmeticBackend({ nanLossAt: 5 }));
    const events = await collect(trainer.run());
    expect(events.slice(-2)).toMatchObject([
      { kind: 'nan', what: 'loss', epoch: 1, batch: 1 },
      { kind: 'end', outcome: 'nan' },
    ]);
    expect(ofKind(events, 'nan')[0]!.message).toMatch(
      /^Training diverged: the loss became NaN in epoch 2, batch 2, at a learning rate of 0\.01;/,
    );
    expect(ofKind(events, 'checkpoint')).toHaveLength(1);
  });

  test('weights that are no numbers are never offered for saving', async () => {
    const config = tinyConfig({ checkpointSteps: 1 });
    const trainer = await tinyTrainer(arithmeticBackend({ infiniteWeightsAt: 2 }), { config });
    const events = await collect(trainer.run());
    expect(ofKind(events, 'checkpoint')).toHaveLength(1);
    expect(events.slice(-2)).toMatchObject([
      { kind: 'nan', what: 'weights', epoch: 0, batch: 1 },
      { kind: 'end', outcome: 'nan' },
    ]);
  });
});

test('a data set without training images is refused', async () => {
  const dataset = tinyDataset({ train: 0 });
  await expect(tinyTrainer(arithmeticBackend(), { dataset })).rejects.toThrow(
    'The data set has no training images.',
  );
});
