import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import type { WebGpuBackend } from '../../../src/engine/webgpu/backend.ts';
import { checkGolden, GOLDEN_FILES, readFloats } from '../../support/golden.ts';
import { sharedFile } from '../../support/shared.ts';
import { findTestAdapter, openTestBackend } from './adapter.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const adapter = await findTestAdapter();
const images = sharedFile('data/cifar10-sample/cifar-10-batches-bin/test_batch.bin');

// The bounds of the CPU engine, and for its reasons (test/engine/wasm-backend/golden.test.ts). A software
// adapter takes seconds for a step, so three steps are compared once.
const FIRST_STEP = { loss: 1e-5, gradient: 3e-3, running: 1e-6, weights: 1, logits: 1e-5 };
const TOLERANCES = {
  'resnet20-pretrained': { ...FIRST_STEP, loss: 1e-4, weights: 1e-3 },
  'resnet20-random': FIRST_STEP,
  'resnet20-option-b': FIRST_STEP,
  plain20: { ...FIRST_STEP, gradient: 1e-2 },
};

describe.skipIf(!adapter)('the WebGPU backend reproduces PyTorch', () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await openTestBackend();
  });
  afterAll(() => backend.dispose());

  for (const { file, arch, shortcut } of GOLDEN_FILES) {
    const golden = sharedFile(`golden/${file}.safetensors`);
    const steps = file === 'resnet20-pretrained' ? 3 : 1;
    it.skipIf(!golden || !images)(`${file}: ${steps} steps and an evaluation`, async () => {
      const options = { arch, shortcut, steps };
      await checkGolden(backend, readFloats(golden!), images!, options, TOLERANCES[file]);
    });
  }
});
