import { expect, it, vi } from 'vitest';
import { createWasmBackend } from '../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../src/engine/wasm/host.node.ts';
import { findChromium, openPage } from './chromium.ts';
import { trainTiny } from './tiny-training.ts';
import type { trainInPage } from './webgpu-page.ts';

// SwiftShader compiles each of some forty kernels for about a second.
vi.setConfig({ testTimeout: 300_000 });

const chromium = findChromium();

it.skipIf(!chromium)(
  'a page trains with WebGPU along the loss curve of the CPU engine',
  async () => {
    const cpu = await createWasmBackend({ host: createNodeHost(), threads: 1 });
    const expected = await trainTiny(cpu);
    await cpu.dispose();
    const firstEpoch = expected.slice(0, 5).reduce((sum, loss) => sum + loss);
    const secondEpoch = expected.slice(5).reduce((sum, loss) => sum + loss);
    expect(secondEpoch, 'what is compared is training').toBeLessThan(firstEpoch);

    await using served = await openPage(chromium!);
    // As text, because vitest would rewrite the import for itself.
    const { losses, description } = (await served.page.evaluate(
      `import('/test/browser/webgpu-page.ts').then(({ trainInPage }) => trainInPage())`,
    )) as Awaited<ReturnType<typeof trainInPage>>;
    expect(description).toMatch(/^WebGPU, .*float32/);
    expect(losses).toHaveLength(expected.length);
    expect(losses[0]!).toBeCloseTo(expected[0]!, 4);
    losses.forEach((loss, step) => {
      expect(Math.abs(loss - expected[step]!), `loss of step ${step}`).toBeLessThan(1e-2);
    });
  },
);
