// Weights go from the training to the evaluating executable inside the device, without a stop at the host.

import { expect, it } from 'vitest';
import { hasSameLayout, packTensors } from '../../../src/engine/layout.ts';
import { lowerInference } from '../../../src/engine/lower-infer.ts';
import { lowerTraining } from '../../../src/engine/lower-train.ts';
import type { Program } from '../../../src/engine/program.ts';
import { initializeWeights } from '../../../src/nn/initialize.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import { copyWeights } from '../../../src/train/executables.ts';
import { findTestAdapter, openTestBackend } from './adapter.ts';

const adapter = await findTestAdapter();

/** Its buffers alone: kernels take a software adapter seconds to compile, and none of them runs here. */
const buffersOf = (program: Program): Program => ({ ...program, setup: [], body: [] });

it.skipIf(!adapter)(
  'training and inference of a network have one layout, and weights are copied as they lie',
  async () => {
    const network = createNetwork('resnet8', { shortcut: 'B' });
    const train = lowerTraining(network, { batchSize: 2 });
    const infer = lowerInference(network, { batchSize: 4 });
    const other = lowerInference(createNetwork('resnet14', { shortcut: 'B' }), { batchSize: 4 });
    const backend = await openTestBackend();
    const from = await backend.compile(buffersOf(train));
    const to = await backend.compile(buffersOf(infer));
    const weights = initializeWeights(network, 3);
    for (const buffer of ['parameters', 'running'] as const) {
      expect(hasSameLayout(train, infer, buffer)).toBe(true);
      expect(hasSameLayout(train, other, buffer)).toBe(false);
      await from.write(buffer, packTensors(train, buffer, weights));
    }
    // The values themselves never come to the host.
    from.read = () => Promise.reject(new Error('read'));
    await copyWeights(from, to);
    for (const buffer of ['parameters', 'running'] as const) {
      expect(await to.read(buffer)).toEqual(packTensors(infer, buffer, weights));
    }
    await backend.dispose();
  },
);
