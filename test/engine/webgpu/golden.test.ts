import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { WebGpuBackend } from '../../../src/engine/webgpu/backend.ts';
import { FLOAT32, smallGoldenDeviations } from '../../golden/resnet8-steps.ts';
import { tooLarge } from '../../support/deviations.ts';
import { checkGolden, GOLDEN_FILES, readFloats } from '../../support/golden.ts';
import { firstLogits, logitsDistance, PUBLISHED_WEIGHTS } from '../../support/published.ts';
import { sharedFile, sharedPublished, sharedRecords } from '../../support/shared.ts';
import { findTestAdapter, openTestBackend } from './adapter.ts';
import { GOLDEN, PUBLISHED } from './tolerances.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const adapter = await findTestAdapter();
const images = sharedRecords();

describe.skipIf(!adapter)('the WebGPU backend reproduces PyTorch', () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await openTestBackend();
  });
  afterAll(() => backend.dispose());

  for (const { file, arch, shortcut } of GOLDEN_FILES) {
    const golden = sharedFile(`golden/${file}.safetensors`);
    const { steps, ...tolerances } = GOLDEN[file]!;
    it.skipIf(!golden || !images)(`${file}: ${steps} steps and an evaluation`, async () => {
      const options = { arch, shortcut, steps };
      await checkGolden(backend, readFloats(golden!), images!, options, tolerances);
    });
  }

  it.each(['A', 'B'] as const)('resnet8, shortcut %s: three steps', async (shortcut) => {
    expect(tooLarge(await smallGoldenDeviations(backend, shortcut, FLOAT32))).toEqual([]);
  });

  // All 1,017 images take minutes: `node scripts/verify-webgpu.ts --weights` counts the wrong answers.
  for (const name of PUBLISHED_WEIGHTS) {
    const files = sharedPublished(name);
    it.skipIf(!files)(`${name}: the logits of 16 images`, async () => {
      const { file, records, expected } = files!;
      const logits = await firstLogits(backend, readFileSync(file), readFileSync(records));
      expect(logitsDistance(logits, expected)).toBeLessThan(PUBLISHED.float32.logits);
    });
  }
});
