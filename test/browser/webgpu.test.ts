import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createWasmBackend } from '../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../src/engine/wasm/host.node.ts';
import { CONFORMANCE_CASES, titleOf } from '../conformance/cases.ts';
import { CONFORMANCE, GOLDEN, PUBLISHED } from '../engine/webgpu/tolerances.ts';
import { findChromium } from '../support/chromium.ts';
import { tooLarge } from '../support/deviations.ts';
import { logitsDistance } from '../support/published.ts';
import { sharedFile, sharedPublished, sharedRecords } from '../support/shared.ts';
import { curveDeviations, epochLosses, trainTiny } from '../support/tiny-training.ts';
import { openPage, type ServedPage } from './chromium.ts';

// Chromium's software adapter compiles a kernel in about a second. So these tests share one page and
// use what is there already; `node scripts/verify-webgpu.ts --browser` runs all cases.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 60_000 });

const chromium = findChromium();
const records = sharedRecords();
const golden = sharedFile('golden/resnet20-pretrained.safetensors');
const published = sharedPublished('resnet20-12fca82f');

describe.skipIf(!chromium)('WebGPU in a page', () => {
  let served: ServedPage;
  beforeAll(async () => {
    served = await openPage(chromium!);
  });
  afterAll(() => served[Symbol.asyncDispose]());

  it('is the browser’s own', async () => {
    expect(await served.checks.describe('float32')).toMatch(/^WebGPU, .*float32/);
  });

  it('trains along the loss curve of the CPU engine', async () => {
    const cpu = await createWasmBackend({ host: createNodeHost(), threads: 1 });
    const curve = await trainTiny(cpu);
    await cpu.dispose();
    const [first, second] = epochLosses(curve);
    expect(second, 'what is compared is training').toBeLessThan(first);
    expect(tooLarge(curveDeviations(await served.checks.train('float32'), curve))).toEqual([]);
  });

  it(`agrees with the oracle: ${titleOf(CONFORMANCE_CASES[0]!)}`, async () => {
    const found = await served.checks.conformance(CONFORMANCE_CASES[0]!, CONFORMANCE);
    expect(found.length).toBeGreaterThan(100);
    expect(tooLarge(found)).toEqual([]);
  });

  it.skipIf(!golden || !records)('reproduces a step and an evaluation of PyTorch', async () => {
    const files = { file: await served.serve(golden!), records: await served.serve(records!) };
    const options = { arch: 'resnet20', shortcut: 'A', steps: 1 } as const;
    const tolerances = GOLDEN['resnet20-pretrained']!;
    const found = await served.checks.golden('float32', files, options, tolerances);
    expect(found).toHaveLength(4);
    expect(tooLarge(found)).toEqual([]);
  });

  it.skipIf(!published)('answers as published weights should', async () => {
    const { file, records, expected } = published!;
    const files = { file: await served.serve(file), records: await served.serve(records) };
    const logits = await served.checks.logits('float32', files);
    expect(logitsDistance(logits, expected)).toBeLessThan(PUBLISHED.float32.logits);
  });
});
