// Mixed precision: PyTorch's losses to 2e-2, the oracle's gradients to the few per cent that
// rounding feature maps to 11 bits changes, and loss scaling.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { packTensors } from '../../../src/engine/layout.ts';
import { lowerTraining } from '../../../src/engine/lower-train.ts';
import { createReferenceBackend } from '../../../src/engine/reference/backend.ts';
import type { WebGpuBackend } from '../../../src/engine/webgpu/backend.ts';
import type { WebGpuExecutable } from '../../../src/engine/webgpu/executable.ts';
import { initializeWeights } from '../../../src/nn/initialize.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import { randomBatch, testNormalization } from '../../conformance/cases.ts';
import { distance } from '../../support/deviations.ts';
import { checkGolden, readFloats } from '../../support/golden.ts';
import { firstLogits, logitsDistance } from '../../support/published.ts';
import { sharedFile, sharedPublished, sharedRecords } from '../../support/shared.ts';
import { findTestAdapter, openTestBackend } from './adapter.ts';
import { GOLDEN_MIXED, PUBLISHED } from './tolerances.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const adapter = await findTestAdapter();
const images = sharedRecords();
const golden = sharedFile('golden/resnet20-pretrained.safetensors');

describe.skipIf(!adapter)('mixed precision', () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await openTestBackend({ half: true });
  });
  afterAll(() => backend.dispose());

  it.skipIf(!golden || !images)('reproduces PyTorch’s losses of three steps', async () => {
    expect(backend.description).toContain('mixed precision');
    const options = { arch: 'resnet20', shortcut: 'A' } as const;
    await checkGolden(backend, readFloats(golden!), images!, options, GOLDEN_MIXED);
  });

  const files = sharedPublished('resnet20-12fca82f');
  it.skipIf(!files)('answers as published weights should, nearly', async () => {
    const { file, records, expected } = files!;
    const logits = await firstLogits(backend, readFileSync(file), readFileSync(records));
    expect(logitsDistance(logits, expected)).toBeLessThan(PUBLISHED.mixed.logits);
  });
});

describe.skipIf(!adapter)('loss scaling, with halves packed in u32', () => {
  const network = createNetwork('resnet8', { shortcut: 'A' });
  const program = lowerTraining(network, { batchSize: 4 });
  const parameters = packTensors(program, 'parameters', initializeWeights(network, 3));
  const normalization = testNormalization(false);
  const batch = {
    ...randomBatch(10, 4, 7),
    sgd: {
      ...{ learningRate: 0.02, momentum: 0.9, weightDecay: 1e-3 },
      muon: { learningRate: 0.02, weightDecay: 0.1 },
    },
  };
  let backend: WebGpuBackend;
  let executable: WebGpuExecutable;

  beforeAll(async () => {
    backend = await openTestBackend({ half: true, halfStorage: 'packed' });
    executable = await backend.compile(program);
    await executable.write('normalization', normalization);
    await executable.write('parameters', parameters);
  });
  afterAll(() => backend.dispose());

  it('begins at 65,536, which the gradients that are read do not contain', async () => {
    const { scale, goodSteps } = await executable.readLossScale();
    expect([scale, goodSteps]).toEqual([65536, 0]);
    const { lossSum } = await executable.run(batch);
    const oracle = await createReferenceBackend().compile(program);
    await oracle.write('normalization', normalization);
    await oracle.write('parameters', parameters);
    const expected = await oracle.run(batch);
    expect(Math.abs(lossSum - expected.lossSum) / 4).toBeLessThan(2e-3);
    const gradients = await executable.read('gradients');
    expect(distance(gradients, await oracle.read('gradients'))).toBeLessThan(0.1);
    expect(await executable.read('parameters')).not.toEqual(parameters);
    expect(await executable.readLossScale()).toEqual({ scale: 65536, goodSteps: 1 });
  });

  it('halves the scale and leaves the step out when a gradient overflows', async () => {
    await executable.writeLossScale({ scale: 2 ** 24, goodSteps: 5 });
    const before = [await executable.read('parameters'), await executable.read('momentum')];
    await executable.run(batch);
    expect(await executable.readLossScale()).toEqual({ scale: 2 ** 23, goodSteps: 0 });
    const after = [await executable.read('parameters'), await executable.read('momentum')];
    expect(after).toEqual(before);
  });

  it('does so with Muon as well, which else changes every filter', async () => {
    const muon = await backend.compile(
      lowerTraining(network, { batchSize: 4, optimizer: 'muon', nesterov: true }),
    );
    await muon.write('normalization', normalization);
    await muon.write('parameters', parameters);
    const state = async () => [await muon.read('parameters'), await muon.read('momentum')];
    await muon.writeLossScale({ scale: 2 ** 24, goodSteps: 5 });
    const before = await state();
    await muon.run(batch);
    expect(await muon.readLossScale()).toEqual({ scale: 2 ** 23, goodSteps: 0 });
    expect(await state()).toEqual(before);
    await muon.writeLossScale({ scale: 256, goodSteps: 0 });
    await muon.run(batch);
    expect((await muon.readLossScale()).goodSteps).toBe(1);
    const [after] = await state();
    const unchanged = program.slots.filter(({ buffer, shape, offset, length }) => {
      if (buffer !== 'parameters' || shape.length !== 4) return false;
      return after!.slice(offset, offset + length).every((x, i) => x === parameters[offset + i]);
    });
    expect(unchanged).toEqual([]);
    await muon.dispose();
  });

  it('doubles the scale after 2,000 good steps', async () => {
    await executable.writeLossScale({ scale: 256, goodSteps: 1999 });
    await executable.run(batch);
    expect(await executable.readLossScale()).toEqual({ scale: 512, goodSteps: 0 });
  });
});
