// Several steps in flight on a device beside the host: everything that can be seen is as it is with one
// step after the other, and whatever needs the device at rest finds it so.

import { describe, expect, test } from 'vitest';
import type { Backend } from '../../src/engine/backend.ts';
import { createWasmBackend } from '../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../src/engine/wasm/host.node.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import type { TrainerOptions } from '../../src/train/options.ts';
import type { TrainingState } from '../../src/train/state.ts';
import { type ArithmeticOptions, arithmeticBackend } from './support/backends.ts';
import { besideHost, type DeviceOptions } from './support/beside-host.ts';
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

/** Ten steps an epoch, the last one smaller, and an evaluation of three. */
const dataset = tinyDataset({ train: 38, test: 11 });

async function train(
  backend: Backend,
  options: Partial<TrainerOptions> = {},
  see?: (event: TrainEvent, snapshot: () => Promise<TrainingState>) => unknown,
) {
  const trainer = await tinyTrainer(backend, { dataset, ...options });
  const events = await collect(trainer.run(), (event) => see?.(event, () => trainer.snapshot()));
  const state = copyState(await trainer.snapshot());
  await trainer.dispose();
  return { events: events.map(timeless), all: events, state, identity: await identity(state) };
}

const device = (options: DeviceOptions = {}, arithmetic: ArithmeticOptions = {}) =>
  besideHost(arithmeticBackend(arithmetic), options);

describe('several steps in flight', () => {
  const config = tinyConfig({ epochs: 3, milestones: [1, 2] });

  test.each([2, 3, 4, 40])('(%i) tell the same and train the same bits', async (stepsInFlight) => {
    const expected = await train(arithmeticBackend(), { config });
    for (const holds of [false, true]) {
      const run = await train(device({ stepsInFlight, holds }), { config });
      expect(run.events).toEqual(expected.events);
      expect(run.identity).toEqual(expected.identity);
    }
  });

  test('are as many as the device asks for, in training and evaluation', async () => {
    const most = { train: 0, infer: 0 };
    const onSubmit = (inFlight: number, mode: 'train' | 'infer') => {
      most[mode] = Math.max(most[mode], inFlight);
    };
    await train(device({ stepsInFlight: 3, onSubmit }), { config });
    expect(most).toEqual({ train: 3, infer: 3 });
  });

  test('follow a rate that moves at every step', async () => {
    const config = oneCycle();
    const expected = await train(arithmeticBackend(), { config });
    const run = await train(device(), { config });
    expect(run.events).toEqual(expected.events);
    expect(run.identity).toEqual(expected.identity);
  });

  test('are one while the warm-up waits for an error, and more from then on', async () => {
    const trainError = 0.65;
    const config = tinyConfig({
      epochs: 3,
      milestones: [],
      warmup: { kind: 'until-error', trainError, factor: 0.1 },
    });
    const expected = await train(arithmeticBackend(), { config });
    const rates = ofKind(expected.all, 'step').map(({ learningRate }) => learningRate);
    const warm = rates.filter((rate) => rate < 0.05).length;
    expect(warm).toBeGreaterThan(3);
    expect(warm).toBeLessThan(28);
    const inFlight: number[] = [];
    const onSubmit = (steps: number, mode: string) => mode === 'train' && inFlight.push(steps);
    const run = await train(device({ onSubmit }), { config });
    expect(run.events).toEqual(expected.events);
    expect(run.identity).toEqual(expected.identity);
    expect(Math.max(...inFlight.slice(0, warm))).toBe(1);
    expect(Math.max(...inFlight.slice(warm))).toBeGreaterThan(1);
  });

  test('learn the same on WebAssembly', async () => {
    const wasm = await createWasmBackend({ host: createNodeHost(), threads: 2 });
    const config = tinyConfig({ epochs: 2 });
    const expected = await train(wasm, { config });
    for (const holds of [false, true]) {
      const run = await train(besideHost(wasm, { holds }), { config });
      expect(run.events).toEqual(expected.events);
      expect(run.identity).toEqual(expected.identity);
    }
    await wasm.dispose();
  });
});

describe('images that the device holds', () => {
  test('are brought once', async () => {
    const bytes = { held: 0, brought: 0 };
    const onImages = (how: 'held' | 'brought', count: number) => {
      bytes[how] += count;
    };
    await train(device({ onImages }));
    expect(bytes).toEqual({ held: (38 + 11) * 3072, brought: 0 });
  });

  test('come with every batch where it has no room', async () => {
    const bytes = { held: 0, brought: 0 };
    const onImages = (how: 'held' | 'brought', count: number) => {
      bytes[how] += count;
    };
    await train(device({ onImages, holds: false }), { config: tinyConfig({ epochs: 3 }) });
    expect(bytes).toEqual({ held: 0, brought: 3 * (38 + 11) * 3072 });
  });
});

describe('the device is at rest', () => {
  test('at every time to save, which comes after the same steps', async () => {
    const config = tinyConfig({ epochs: 2, checkpointSteps: 3 });
    const saved = async (backend: Backend) => {
      const states: object[] = [];
      await train(backend, { config }, async ({ kind }, snapshot) => {
        if (kind !== 'checkpoint') return;
        const state = await snapshot();
        const { seconds: _, ...progress } = state.progress;
        states.push({ progress, identity: await identity(state) });
      });
      return states;
    };
    const expected = await saved(arithmeticBackend());
    expect(expected.length).toBeGreaterThan(6);
    expect(await saved(device())).toEqual(expected);
  });

  test('when training stops: steps in flight are told, saved, and gone on from', async () => {
    const config = tinyConfig({ epochs: 3 });
    const whole = await train(device(), { config });
    const stop = { requested: false };
    const first = await train(device(), { config, stop }, (event) => {
      if (event.kind === 'step' && event.iteration === 13) stop.requested = true;
    });
    const steps = ofKind(first.all, 'step').map(({ iteration }) => iteration);
    // Up to three were in flight behind the thirteenth.
    const last = steps.length;
    expect(steps).toEqual(Array.from({ length: last }, (_, i) => i + 1));
    expect([13, 14, 15, 16]).toContain(last);
    const position = { epoch: 1, batch: last - 10, iteration: last };
    expect(first.all.slice(-3)).toMatchObject([
      { kind: 'checkpoint', reasons: ['interrupted'], position },
      { kind: 'interrupted', position },
      { kind: 'end', outcome: 'interrupted', position },
    ]);
    const rest = await train(device(), { config, resume: first.state });
    expect(rest.identity).toEqual(whole.identity);
    expect(rest.events.slice(1)).toEqual(whole.events.slice(-rest.events.length + 1));
  });

  test('when a reader looks at the weights, also after a step', async () => {
    const config = tinyConfig({ epochs: 2 });
    let kept: TrainingState | undefined;
    const whole = await train(device(), { config }, async (event, snapshot) => {
      if (event.kind === 'step' && event.iteration === 14) kept = copyState(await snapshot());
    });
    // The fourteenth's event, and up to three more steps that were in flight.
    expect([14, 15, 16, 17]).toContain(kept?.progress.iteration);
    const resumed = await train(device(), { config, resume: kept });
    expect(resumed.identity).toEqual(whole.identity);
    expect(resumed.events.slice(1)).toEqual(whole.events.slice(-resumed.events.length + 1));
  });

  test('when a reader leaves early', async () => {
    let [submitted, begun] = [0, 0];
    const backend = device({ onSubmit: () => submitted++, beforeStep: () => begun++ });
    const trainer = await tinyTrainer(backend, { dataset });
    for await (const event of trainer.run()) {
      if (event.kind === 'step' && event.iteration === 4) break;
    }
    expect([4, 5, 6, 7]).toContain(submitted);
    expect(begun).toBe(submitted);
    await trainer.dispose();
  });
});

describe('divergence, seen when later steps are in flight', () => {
  test.each([1, 5, 10, 11])('of the loss of step %i is told of that step', async (nanLossAt) => {
    const config = tinyConfig({ checkpointSteps: 4 });
    const expected = await train(arithmeticBackend({ nanLossAt }), { config });
    const run = await train(device({}, { nanLossAt }), { config });
    expect(run.events).toEqual(expected.events);
    const epoch = nanLossAt > 10 ? 1 : 0;
    expect(run.all.slice(-2)).toMatchObject([
      { kind: 'nan', what: 'loss', epoch, batch: (nanLossAt - 1) % 10 },
      { kind: 'end', outcome: 'nan', position: { iteration: nanLossAt - 1 } },
    ]);
  });

  test('of the weights is never offered for saving', async () => {
    const config = tinyConfig({ checkpointSteps: 4 });
    const infiniteWeightsAt = 6;
    const run = await train(device({}, { infiniteWeightsAt }), { config });
    expect(ofKind(run.all, 'checkpoint').map(({ position }) => position.iteration)).toEqual([4]);
    expect(run.all.slice(-2)).toMatchObject([
      { kind: 'nan', what: 'weights', epoch: 0, batch: 7 },
      { kind: 'end', outcome: 'nan' },
    ]);
  });
});

test('a device that fails, fails training once, with the first failure', async () => {
  let steps = 0;
  const beforeStep = () => {
    if (++steps >= 6) throw new Error(`the device was lost at step ${steps}`);
  };
  const trainer = await tinyTrainer(device({ beforeStep }), { dataset });
  const told: TrainEvent[] = [];
  await expect(collect(trainer.run(), (event) => told.push(event))).rejects.toThrow(
    'the device was lost at step 6',
  );
  expect(ofKind(told, 'step')).toHaveLength(5);
});
