// Half-precision training that is stopped and resumed from a checkpoint, on a real adapter: the loss
// scale and its counter decide later bits, so they are saved with the weights.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { WebGpuBackend } from '../../../src/engine/webgpu/backend.ts';
import { decodeState, encodeState } from '../../../src/runs/checkpoint.ts';
import type { TrainingState } from '../../../src/train/state.ts';
import {
  collect,
  identity,
  tinyConfig,
  tinyDataset,
  tinyTrainer,
} from '../../train/support/tiny.ts';
import { findTestAdapter, openTestBackend } from './adapter.ts';

vi.setConfig({ testTimeout: 480_000, hookTimeout: 240_000 });

const adapter = await findTestAdapter();
/** Two epochs of three steps, a checkpoint after each; the kernels are those of half.test.ts. */
const config = tinyConfig({ half: true, classes: 10, checkpointSteps: 1 });
const dataset = {
  ...tinyDataset({ test: 0 }),
  classes: Array.from({ length: 10 }, (_, index) => `class ${index}`),
};
/** So large that gradients overflow: it is halved in the first steps, which are left out. */
const lossScale = { scale: 2 ** 24, goodSteps: 0 };

describe.skipIf(!adapter)('half-precision training that is resumed', () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await openTestBackend({ half: true, halfStorage: 'packed' });
  });
  afterAll(() => backend.dispose());

  it('has the bits of an uninterrupted run, from the middle of an epoch too', async () => {
    const fresh = await tinyTrainer(backend, { config, dataset });
    const start = { ...(await fresh.snapshot()), executables: { train: { lossScale } } };
    await fresh.dispose();
    const states: TrainingState[] = [];
    const whole = await tinyTrainer(backend, { config, dataset, resume: start });
    await collect(whole.run(), async ({ kind }) => {
      if (kind !== 'checkpoint') return;
      // Through the bytes of a file, as a resumed run gets it.
      states.push(decodeState(encodeState(await whole.snapshot(), 0), 'last').state);
    });
    const end = await whole.snapshot();
    await whole.dispose();
    const scales = states.map(({ executables }) => executables?.train?.lossScale?.scale);
    expect(scales[0], 'a step overflowed').toBeLessThan(2 ** 24);

    const [, middle, , boundary] = states;
    for (const resume of [middle!, boundary!]) {
      const resumed = await tinyTrainer(backend, { config, dataset, resume });
      await collect(resumed.run());
      const state = await resumed.snapshot();
      expect(await identity(state)).toEqual(await identity(end));
      expect(state.executables).toEqual(end.executables);
      await resumed.dispose();
    }
    expect([middle!.progress.batch, boundary!.progress.batch]).toEqual([2, 0]);

    // A checkpoint from before the loss scale was saved still opens, and begins at the usual one.
    const { executables: _none, ...older } = middle!;
    const other = await tinyTrainer(backend, { config, dataset, resume: older });
    expect((await other.snapshot()).executables?.train?.lossScale?.scale).toBe(65536);
    await other.dispose();
  });
});
