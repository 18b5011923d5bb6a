import { describe, expect, it } from 'vitest';
import { IMAGENET_NORMALIZATION } from '../../../src/data/normalization.ts';
import type { BatchInputs } from '../../../src/engine/backend.ts';
import { normalizationValues } from '../../../src/engine/inputs.ts';
import { packTensors, unpackTensors } from '../../../src/engine/layout.ts';
import { lowerTraining } from '../../../src/engine/lower-train.ts';
import { createReferenceBackend } from '../../../src/engine/reference/backend.ts';
import { initializeWeights } from '../../../src/nn/initialize.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import { randomStream } from '../../../src/util/random.ts';
import { differenceRatios } from '../support/finite-differences.ts';

const BATCH = 3;

/** Random bytes and labels, with crops and flips that reach over every border. */
function randomBatch(classes: number): BatchInputs {
  const random = randomStream(11, 'batch');
  const integers = (length: number, bound: number) =>
    Array.from({ length }, () => random.integer(bound));
  return {
    count: BATCH,
    images: Uint8Array.from(integers(BATCH * 3072, 256)),
    labels: Int32Array.from(integers(BATCH, classes)),
    augmentation: Int32Array.from([0, 8, 1, 8, 0, 0, 4, 4, 1]),
  };
}

describe('gradients of the training program', () => {
  const cases = [
    { arch: 'resnet8', shortcut: 'A', classes: 10 },
    { arch: 'resnet8', shortcut: 'B', classes: 3 },
    { arch: 'plain8', shortcut: undefined, classes: 10 },
    { arch: 'resnet14', shortcut: 'A', classes: 10 },
  ] as const;

  for (const { arch, shortcut, classes } of cases) {
    it(`agree with finite differences: ${arch} ${shortcut ?? ''} ${classes} classes`, async () => {
      const network = createNetwork(arch, { shortcut, classes });
      const program = lowerTraining(network, { batchSize: BATCH, labelSmoothing: 0.1 });
      const executable = await createReferenceBackend().compile(program);
      await executable.write('normalization', normalizationValues(IMAGENET_NORMALIZATION));
      const weights = initializeWeights(network, 5);
      const parameters = packTensors(program, 'parameters', weights);
      const ratios = await differenceRatios(executable, parameters, randomBatch(classes), [
        /^conv1/,
        /layer1.*conv/,
        /layer3.*conv1/,
        /bn.*weight|shortcut.1.weight/,
        /bn.*bias/,
        /shortcut.0/,
        /linear/,
      ]);
      expect(ratios.size).toBe(shortcut === 'B' ? 7 : 6);
      for (const [kind, ratio] of ratios) expect(ratio, kind).toBeCloseTo(1, 2);
    });
  }
});

describe('memory: recompute', () => {
  it.each(['A', 'B'] as const)(
    'gives exactly the gradients of keep (shortcut %s)',
    async (shortcut) => {
      const network = createNetwork('resnet14', { shortcut });
      const gradients = [];
      for (const memory of ['keep', 'recompute'] as const) {
        const program = lowerTraining(network, { batchSize: BATCH, memory });
        const executable = await createReferenceBackend().compile(program);
        const weights = initializeWeights(network, 5);
        await executable.write('normalization', normalizationValues(IMAGENET_NORMALIZATION));
        await executable.write('parameters', packTensors(program, 'parameters', weights));
        await executable.run(randomBatch(10));
        gradients.push(unpackTensors(program, 'parameters', await executable.read('gradients')));
      }
      expect(gradients[1]).toEqual(gradients[0]);
    },
  );
});
