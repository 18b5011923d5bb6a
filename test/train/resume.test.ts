// A run that goes on from a saved state is the run that was never interrupted.

import { describe, expect, test } from 'vitest';
import type { TrainEvent } from '../../src/train/events.ts';
import type { TrainingState } from '../../src/train/state.ts';
import { arithmeticBackend } from './support/backends.ts';
import {
  collect,
  copyState,
  identity,
  ofKind,
  oneCycle,
  timeless,
  tinyConfig,
  tinyTrainer,
} from './support/tiny.ts';

describe('a resumed run', () => {
  const config = tinyConfig({ epochs: 3, milestones: [1, 2], checkpointSteps: 1 });

  test('equals the uninterrupted one bit for bit, from after every single step', async () => {
    const states: TrainingState[] = [];
    const whole = await tinyTrainer(arithmeticBackend(), { config });
    const events = await collect(whole.run(), async ({ kind }) => {
      if (kind === 'checkpoint') states.push(copyState(await whole.snapshot()));
    });
    const expected = await identity(await whole.snapshot());
    // Nine steps and three ends of epochs.
    expect(states).toHaveLength(12);
    for (const resume of states) {
      const resumed = await tinyTrainer(arithmeticBackend(), { config, resume });
      const rest = await collect(resumed.run());
      const where = `from epoch ${resume.progress.epoch}, batch ${resume.progress.batch}`;
      expect(await identity(await resumed.snapshot()), where).toEqual(expected);
      const isSame = (event: TrainEvent) => event.kind === 'step' || event.kind === 'evaluation';
      const told = rest.filter(isSame).map(timeless);
      expect(told, where).toEqual(
        events
          .filter(isSame)
          .map(timeless)
          .slice(-told.length || Infinity),
      );
      expect((await resumed.snapshot()).progress.result).toEqual(
        (await whole.snapshot()).progress.result,
      );
    }
  });

  test('of one cycle goes on at the rates that were to come, also in the middle of an epoch', async () => {
    const config = oneCycle({ checkpointSteps: 1 });
    const states: TrainingState[] = [];
    const whole = await tinyTrainer(arithmeticBackend(), { config });
    const events = await collect(whole.run(), async ({ kind }) => {
      if (kind === 'checkpoint') states.push(copyState(await whole.snapshot()));
    });
    const rates = ofKind(events, 'step').map(({ learningRate }) => learningRate);
    expect(new Set(rates).size).toBe(9);
    const middle = states.filter(({ progress }) => progress.batch === 1);
    expect(middle.map(({ progress }) => progress.iteration)).toEqual([1, 4, 7]);
    for (const resume of middle) {
      const resumed = await tinyTrainer(arithmeticBackend(), { config, resume });
      const steps = ofKind(await collect(resumed.run()), 'step');
      expect(steps.map(({ learningRate }) => learningRate)).toEqual(
        rates.slice(resume.progress.iteration),
      );
      expect(await identity(await resumed.snapshot())).toEqual(
        await identity(await whole.snapshot()),
      );
    }
  });

  test('does not warm up again, by epochs or by error', async () => {
    const seen = async (warmup: Parameters<typeof tinyConfig>[0], take: number) => {
      const config = tinyConfig({ epochs: 4, milestones: [], checkpointSteps: 1, ...warmup });
      const first = await tinyTrainer(arithmeticBackend(), { config });
      let resume: TrainingState | undefined;
      const events = await collect(first.run(), async (event) => {
        if (event.kind === 'checkpoint' && event.position.iteration === take) {
          resume ??= copyState(await first.snapshot());
        }
      });
      const second = await tinyTrainer(arithmeticBackend(), { config, resume });
      const rates = (all: TrainEvent[]) => ofKind(all, 'step').map((step) => step.learningRate);
      return { whole: rates(events).slice(take), resumed: rates(await collect(second.run())) };
    };
    const epochs = await seen({ warmup: { kind: 'epochs', epochs: 1, factor: 0.1 } }, 4);
    expect(epochs.resumed).toEqual(epochs.whole);
    expect(new Set(epochs.resumed)).toEqual(new Set([0.1]));
    // Three classes: the error begins under 80 %, so the first step ends the warm-up.
    const error = await seen({ warmup: { kind: 'until-error', trainError: 0.8, factor: 0.1 } }, 1);
    expect(error.resumed).toEqual(error.whole);
    expect(new Set(error.resumed)).toEqual(new Set([0.1]));
  });

  test('goes on with an unfinished warm-up', async () => {
    const config = tinyConfig({
      epochs: 2,
      milestones: [],
      checkpointSteps: 1,
      warmup: { kind: 'until-error', trainError: 0.01, factor: 0.1 },
    });
    const first = await tinyTrainer(arithmeticBackend(), { config });
    for await (const event of first.run()) {
      if (event.kind === 'checkpoint') break;
    }
    const resume = copyState(await first.snapshot());
    const second = await tinyTrainer(arithmeticBackend(), { config, resume });
    const steps = ofKind(await collect(second.run()), 'step');
    expect(steps.every(({ learningRate }) => Math.abs(learningRate - 0.01) < 1e-12)).toBe(true);
  });

  test('that was complete does nothing more', async () => {
    const first = await tinyTrainer(arithmeticBackend(), { config });
    await collect(first.run());
    const resume = copyState(await first.snapshot());
    const second = await tinyTrainer(arithmeticBackend(), { config, resume });
    expect((await collect(second.run())).map(({ kind }) => kind)).toEqual(['start', 'end']);
    expect(await identity(await second.snapshot())).toEqual(await identity(resume));
  });
});
