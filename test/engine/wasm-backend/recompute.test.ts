// Recomputing a block's activations instead of keeping them is the same operations on the same bits,
// so nothing may differ: not the gradients of one step, not the weights after several.

import { describe, expect, it } from 'vitest';
import { type Activations, lowerTraining } from '../../../src/engine/lower-train.ts';
import { createWasmBackend } from '../../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../../src/engine/wasm/host.node.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import { randomBatch } from '../../conformance/cases.ts';
import { trainedState } from '../../conformance/outcome.ts';

describe('gradients of recomputed activations are those of kept ones, bit for bit', () => {
  const cases = [
    { arch: 'resnet14', shortcut: 'A', convolution: 'winograd4' },
    { arch: 'resnet14', shortcut: 'B', convolution: 'direct' },
    { arch: 'plain14', shortcut: undefined, convolution: 'winograd2' },
  ] as const;

  it.each(cases)('$arch, $shortcut, $convolution', async ({ arch, shortcut, convolution }) => {
    const network = createNetwork(arch, { shortcut });
    const backend = await createWasmBackend({ host: createNodeHost(), threads: 2, convolution });
    const train = (memory: Activations) => {
      const program = lowerTraining(network, { batchSize: 24, memory });
      const steps = [24, 24, 17].map((count, i) => ({ ...randomBatch(10, 24, i), count }));
      return trainedState(backend, program, steps);
    };
    const [kept, recomputed] = [await train('keep'), await train('recompute')];
    await backend.dispose();
    for (const buffer of kept.buffers) expect(buffer.some((value) => value !== 0)).toBe(true);
    expect(recomputed).toEqual(kept);
  });
});
