import { expect, it, vi } from 'vitest';
import { createWasmBackend } from '../../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../../src/engine/wasm/host.node.ts';
import { tooLarge } from '../../support/deviations.ts';
import { curveDeviations, epochLosses, trainTiny } from '../../support/tiny-training.ts';
import { findTestAdapter, openTestBackend } from './adapter.ts';

vi.setConfig({ testTimeout: 600_000 });

const adapter = await findTestAdapter();

it.skipIf(!adapter)('WebGPU trains along the loss curve of the CPU engine', async () => {
  const cpu = await createWasmBackend({ host: createNodeHost(), threads: 1 });
  const expected = await trainTiny(cpu);
  await cpu.dispose();
  const [first, second] = epochLosses(expected);
  expect(second, 'what is compared is training').toBeLessThan(first);

  const gpu = await openTestBackend();
  const losses = await trainTiny(gpu);
  await gpu.dispose();
  expect(tooLarge(curveDeviations(losses, expected))).toEqual([]);
});
