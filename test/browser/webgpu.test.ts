import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createWasmBackend } from '../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../src/engine/wasm/host.node.ts';
import { CONFORMANCE_CASES, titleOf } from '../conformance/cases.ts';
import { findChromium } from '../support/chromium.ts';
import { distance, tooLarge } from '../support/deviations.ts';
import type { PublishedExpectation } from '../support/published.ts';
import { sharedFile } from '../support/shared.ts';
import { curveDeviations, epochLosses, trainTiny } from '../support/tiny-training.ts';
import { openPage, type ServedPage } from './chromium.ts';

// Chromium's software adapter compiles a kernel in about a second. So these tests share one page and
// use what is there already; `node scripts/verify-webgpu.ts --browser` runs all cases.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 60_000 });

const chromium = findChromium();
const records = sharedFile('data/cifar10-sample/cifar-10-batches-bin/test_batch.bin');
const golden = sharedFile('golden/resnet20-pretrained.safetensors');
const weights = sharedFile('data/pretrained/resnet20-12fca82f.th');
const expected = sharedFile('data/pretrained/resnet20-12fca82f.expected.json');

describe.skipIf(!chromium)('WebGPU in a page', () => {
  let served: ServedPage;
  beforeAll(async () => {
    served = await openPage(chromium!);
  });
  afterAll(() => served[Symbol.asyncDispose]());

  it('is the browser’s own', async () => {
    expect(await served.call('describeBackend', 'float32')).toMatch(/^WebGPU, .*float32/);
  });

  it('trains along the loss curve of the CPU engine', async () => {
    const cpu = await createWasmBackend({ host: createNodeHost(), threads: 1 });
    const curve = await trainTiny(cpu);
    await cpu.dispose();
    const [first, second] = epochLosses(curve);
    expect(second, 'what is compared is training').toBeLessThan(first);
    expect(tooLarge(curveDeviations(await served.call('train'), curve))).toEqual([]);
  });

  it(`agrees with the oracle: ${titleOf(CONFORMANCE_CASES[0]!)}`, async () => {
    const tolerances = { loss: 1e-5, gradient: 1e-4, state: 1e-5, logits: 1e-5 };
    const found = await served.call('conformance', CONFORMANCE_CASES[0]!, tolerances);
    expect(found.length).toBeGreaterThan(100);
    expect(tooLarge(found)).toEqual([]);
  });

  it.skipIf(!golden || !records)('reproduces a step and an evaluation of PyTorch', async () => {
    const files = { file: await served.serve(golden!), records: await served.serve(records!) };
    const options = { arch: 'resnet20', shortcut: 'A', steps: 1 } as const;
    const tolerances = { loss: 1e-5, gradient: 3e-3, running: 1e-6, weights: 1, logits: 1e-5 };
    const found = await served.call('golden', 'float32', files, options, tolerances);
    expect(found).toHaveLength(4);
    expect(tooLarge(found)).toEqual([]);
  });

  it.skipIf(!weights || !expected || !records)('answers as published weights should', async () => {
    const files = { file: await served.serve(weights!), records: await served.serve(records!) };
    const logits = await served.call('logits', 'float32', files);
    const { logits_of_first_16_images }: PublishedExpectation = JSON.parse(
      readFileSync(expected!, 'utf8'),
    );
    const pytorch = Float32Array.from(logits_of_first_16_images.flat());
    expect(distance(Float32Array.from(logits), pytorch)).toBeLessThan(1e-5);
  });
});
