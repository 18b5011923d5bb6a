// Bit-exactness on the backend that people train with: ResNet-8, small batches, real worker threads.

import { describe, expect, test } from 'vitest';
import { createWasmBackend } from '../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../src/engine/wasm/host.node.ts';
import { decodeState, encodeState, weightsSha256 } from '../../src/runs/checkpoint.ts';
import type { TrainConfig } from '../../src/train/config.ts';
import type { TrainingState } from '../../src/train/state.ts';
import { collect, ofKind, tinyConfig, tinyDataset, tinyTrainer } from './support/tiny.ts';

const dataset = tinyDataset({ train: 42, test: 20 });
const twoEpochs = tinyConfig({ epochs: 2, batchSize: 8 });

/** Trains from the beginning or a state; keeps the state after a step. */
async function train(
  threads: number,
  options: { config?: TrainConfig; resume?: TrainingState; keep?: number } = {},
) {
  const backend = await createWasmBackend({ host: createNodeHost(), threads });
  try {
    const { config = twoEpochs, resume, keep } = options;
    const trainer = await tinyTrainer(backend, { config, dataset, resume });
    let kept: TrainingState | undefined;
    const events = await collect(trainer.run(), async (event) => {
      if (event.kind !== 'step' || event.iteration !== keep) return;
      // Through the bytes of a checkpoint file, as a real resume.
      kept = decodeState(encodeState(await trainer.snapshot(), 0), 'state').state;
    });
    const { weights, momentum } = await trainer.snapshot();
    await trainer.dispose();
    const hash = `${await weightsSha256(weights)} ${await weightsSha256(momentum)}`;
    return { hash, kept, events };
  } finally {
    await backend.dispose();
  }
}

describe('ResNet-8 on wasm', () => {
  test('resumed in the middle of an epoch, on other threads, trains the same bits', async () => {
    const whole = await train(1, { keep: 8 });
    const resumed = await train(2, { resume: whole.kept });
    expect(ofKind(resumed.events, 'step')).toHaveLength(4);
    expect(resumed.hash).toBe(whole.hash);
    const evaluations = (events: typeof whole.events) =>
      ofKind(events, 'evaluation').map(({ epoch, loss, wrong }) => ({ epoch, loss, wrong }));
    expect(evaluations(resumed.events)).toEqual(evaluations(whole.events).slice(1));
  });

  test('learns 42 random images by heart when nothing moves them', async () => {
    const settings = { learningRate: 0.02, augment: false, batchSize: 8, milestones: [] };
    const { events } = await train(2, { config: tinyConfig({ ...settings, epochs: 20 }) });
    const last = ofKind(events, 'epoch-end').at(-1)!;
    expect(last.trainLoss).toBeLessThan(0.3);
    expect(last.trainTop1).toBeGreaterThan(0.9);
  });
});
