import { describe, it } from 'vitest';
import { createReferenceBackend } from '../../../src/engine/reference/backend.ts';
import { checkGolden, GOLDEN_FILES, readFloats } from '../../support/golden.ts';
import { sharedFile } from '../../support/shared.ts';

const images = sharedFile('data/cifar10-sample/cifar-10-batches-bin/test_batch.bin');

// The oracle agrees with PyTorch's float32 to about 1e-6, except where a value beside a ReLU's zero has
// another sign in float32 than in float64: then one unit's gradient appears or vanishes, which is
// what happens once in `plain20` (first step) and once in `resnet20-random` (third step).
const GRADIENT = {
  'resnet20-pretrained': 1e-5,
  'resnet20-random': 1e-5,
  'resnet20-option-b': 1e-5,
  plain20: 5e-3,
};

describe('the reference backend reproduces PyTorch', () => {
  for (const { file, arch, shortcut } of GOLDEN_FILES) {
    const golden = sharedFile(`golden/${file}.safetensors`);
    const steps = file === 'resnet20-pretrained' || file === 'resnet20-option-b' ? 3 : 1;
    it.skipIf(!golden || !images)(`${file}: ${steps} steps and an evaluation`, async () => {
      await checkGolden(
        createReferenceBackend(),
        readFloats(golden!),
        images!,
        { arch, shortcut, steps },
        { loss: 1e-5, gradient: GRADIENT[file], running: 1e-6, weights: 1e-4, logits: 1e-5 },
      );
    });
  }
});
