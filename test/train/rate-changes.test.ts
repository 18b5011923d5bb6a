// The learning rate changed while a run trains: from which step it holds, and that the list of changes
// is all that a repetition needs.

import { describe, expect, test } from 'vitest';
import { weightsSha256 } from '../../src/runs/checkpoint.ts';
import { nodeFileSystem } from '../../src/runs/file-system.node.ts';
import { openRun } from '../../src/runs/reader.ts';
import { createRun, resumeRun } from '../../src/runs/run.ts';
import { runTraining, type TrainerView } from '../../src/runs/session.ts';
import { parseTrainConfig, type TrainConfig } from '../../src/train/config.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import { rateFactorAt } from '../../src/train/rate-changes.ts';
import { UserError } from '../../src/util/errors.ts';
import { temporaryFolder, testHost } from '../runs/support/hosts.ts';
import { arithmeticBackend } from './support/backends.ts';
import { besideHost } from './support/beside-host.ts';
import {
  collect,
  copyState,
  identity,
  ofKind,
  oneCycle,
  timeless,
  tinyConfig,
  tinyDataset,
  tinyTrainer,
} from './support/tiny.ts';

/** Nine steps, a tenth of the rate after six. */
const config = tinyConfig({ epochs: 3, learningRate: 0.5, milestones: [2] });

/** Trains, and multiplies the rate by `factor` after each of these steps. */
async function train(
  changes: Readonly<Record<number, number>>,
  options: Parameters<typeof tinyTrainer>[1] = { config },
  backend = arithmeticBackend(),
) {
  const trainer = await tinyTrainer(backend, options);
  const events = await collect(trainer.run(), (event) => {
    const factor = event.kind === 'step' ? changes[event.iteration] : undefined;
    if (factor !== undefined) trainer.setRateFactor(factor);
  });
  const state = copyState(await trainer.snapshot());
  await trainer.dispose();
  return { events, state, identity: await identity(state) };
}

const ratesOf = (events: readonly TrainEvent[]) =>
  ofKind(events, 'step').map(({ learningRate }) => Number(learningRate.toPrecision(6)));

describe('a change of the learning rate', () => {
  test('holds from the next step on, and composes with the drops of the schedule', async () => {
    const { events } = await train({ 2: 0.5, 7: 3 });
    expect(ratesOf(events)).toEqual([0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.025, 0.15, 0.15]);
  });

  test('composes with a cycle, and 1 takes it back', async () => {
    const config = oneCycle({ learningRate: 0.6 });
    const plain = ratesOf((await train({}, { config })).events);
    const changed = ratesOf((await train({ 3: 2, 5: 1 }, { config })).events);
    const factors = [1, 1, 1, 2, 2, 1, 1, 1, 1];
    factors.forEach((factor, i) => {
      expect(changed[i]).toBeCloseTo(plain[i]! * factor, 5);
    });
  });

  test('is told with the step that is the first to have it, and saved at once', async () => {
    const { events, state } = await train({ 2: 0.5 });
    const told = events.findIndex(({ kind }) => kind === 'rate');
    expect(events[told]).toEqual({
      kind: 'rate',
      epoch: 0,
      batch: 2,
      iteration: 2,
      factor: 0.5,
      learningRate: 0.25,
    });
    expect(events[told + 1]).toMatchObject({ kind: 'step', iteration: 3 });
    expect(events[told - 1]).toMatchObject({
      kind: 'checkpoint',
      reasons: ['asked'],
      position: { iteration: 2 },
    });
    expect(state.config.rateChanges).toEqual([{ iteration: 2, factor: 0.5 }]);
  });

  test('replaces another one before the same step; the same factor is no change', async () => {
    const trainer = await tinyTrainer(arithmeticBackend(), { config });
    trainer.setRateFactor(3);
    trainer.setRateFactor(0.5);
    const events = await collect(trainer.run(), (event) => {
      if (event.kind === 'step' && event.iteration === 4) trainer.setRateFactor(0.5);
    });
    expect((await trainer.snapshot()).config.rateChanges).toEqual([{ iteration: 0, factor: 0.5 }]);
    expect(ofKind(events, 'rate')).toHaveLength(1);
  });

  test('of something that is no rate is refused', async () => {
    const trainer = await tinyTrainer(arithmeticBackend(), { config });
    for (const factor of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e6]) {
      expect(() => trainer.setRateFactor(factor)).toThrow(UserError);
    }
  });

  test('holds on a device with steps in flight from the first step that was not submitted', async () => {
    const backend = besideHost(arithmeticBackend(), { stepsInFlight: 4 });
    const run = await train({ 3: 0.5 }, { config }, backend);
    const [change] = run.state.config.rateChanges;
    expect(change!.iteration).toBeGreaterThanOrEqual(3);
    const again = await train({}, { config: run.state.config });
    expect(again.identity).toEqual(run.identity);
  });
});

describe('the list of changes', () => {
  test('repeats a run, bit for bit and event for event', async () => {
    const run = await train({ 2: 0.5, 5: 2 });
    const again = await train({}, { config: parseTrainConfig(run.state.config) });
    expect(again.identity).toEqual(run.identity);
    const seen = ({ events }: typeof run) =>
      events.filter(({ kind }) => kind === 'step' || kind === 'rate').map(timeless);
    expect(seen(again)).toEqual(seen(run));
    expect(run.identity).not.toEqual((await train({})).identity);
  });

  test('is absent in older configurations, which are as before', () => {
    const { rateChanges: _, ...older } = config;
    expect(parseTrainConfig(older)).toEqual(config);
    expect(rateFactorAt([], 7)).toBe(1);
  });
});

describe('in a run folder', () => {
  const dataset = tinyDataset();

  /** Trains until the end, or dies after an event. */
  async function session(
    run: Awaited<ReturnType<typeof createRun>>,
    see: (event: TrainEvent, trainer: TrainerView) => 'die' | undefined = () => undefined,
  ) {
    let dies = false;
    const observe = async (event: TrainEvent, trainer: TrainerView) => {
      dies = see(event, trainer) === 'die';
    };
    const options = { run, dataset, backend: arithmeticBackend(), host: {}, observe };
    for await (const _ of runTraining(options)) if (dies) break;
  }

  const changeAfter = (step: number) => (event: TrainEvent, trainer: TrainerView) => {
    if (event.kind === 'step' && event.iteration === step) trainer.setRateFactor(0.5);
    return undefined;
  };

  test('is in config.json and metrics.jsonl, and a run that is made from them has the same weights', async () => {
    const root = await temporaryFolder();
    await session(await createRun(testHost(), { dir: `${root}/a`, config }), changeAfter(4));
    const view = await openRun(nodeFileSystem, `${root}/a`);
    expect(view.config.rateChanges).toEqual([{ iteration: 4, factor: 0.5 }]);
    expect((await view.metrics()).filter(({ kind }) => kind === 'rate')).toMatchObject([
      { iteration: 4, epoch: 1, batch: 1, factor: 0.5, learningRate: 0.25 },
    ]);
    const again: TrainConfig = view.config;
    await session(await createRun(testHost(), { dir: `${root}/b`, config: again }));
    const other = await openRun(nodeFileSystem, `${root}/b`);
    expect(other.summary!.weightsSha256).toBe(view.summary!.weightsSha256);
    const { weights } = await other.readWeights('last');
    expect(await weightsSha256(weights)).toBe(view.summary!.weightsSha256);
  });

  test.each([4, 5, 7])('survives a crash after step %i', async (step) => {
    const root = await temporaryFolder();
    await session(await createRun(testHost(), { dir: `${root}/whole`, config }), changeAfter(3));
    await session(
      await createRun(testHost(), { dir: `${root}/killed`, config }),
      (event, trainer) => {
        changeAfter(3)(event, trainer);
        return event.kind === 'step' && event.iteration === step ? 'die' : undefined;
      },
    );
    await session(await resumeRun(testHost(), `${root}/killed`));
    const [whole, killed] = await Promise.all(
      ['whole', 'killed'].map((name) => openRun(nodeFileSystem, `${root}/${name}`)),
    );
    expect(killed!.summary!.weightsSha256).toBe(whole!.summary!.weightsSha256);
    expect((await killed!.metrics()).filter(({ kind }) => kind === 'rate')).toHaveLength(1);
  });
});

describe('what is asked of training while it runs', () => {
  test('save: the state after the steps that are running, once', async () => {
    const stop = { requested: false, save: false };
    const trainer = await tinyTrainer(arithmeticBackend(), { config, stop });
    const events = await collect(trainer.run(), (event) => {
      if (event.kind === 'step' && event.iteration === 2) stop.save = true;
    });
    const asked = ofKind(events, 'checkpoint').filter(({ reasons }) => reasons.includes('asked'));
    expect(asked).toMatchObject([{ position: { iteration: 2 } }]);
    expect(stop.save).toBe(false);
  });

  test('single: no step ahead of the reader', async () => {
    let submitted = 0;
    const stop = { requested: false, single: true };
    const backend = besideHost(arithmeticBackend({ onTrain: () => submitted++ }), {
      stepsInFlight: 4,
    });
    const trainer = await tinyTrainer(backend, { config, stop });
    await collect(trainer.run(), (event) => {
      if (event.kind === 'step') expect(submitted).toBe(event.iteration);
    });
    expect(submitted).toBe(9);
  });
});
