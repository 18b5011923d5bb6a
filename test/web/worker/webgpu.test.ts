// Training on WebGPU in a tab, on Chromium's software adapter: in a file of its own, because that adapter
// takes a second or more to compile each kernel.

import { describe, expect, it } from 'vitest';
import { findChromium } from '../../support/chromium.ts';
import { openBrowser } from './tab.ts';

const chromium = findChromium();
/** Four epochs of four steps. */
const SMALL = {
  arch: 'resnet8',
  recipe: 'quick',
  overrides: {
    epochs: 4,
    batchSize: 8,
    seed: 3,
    checkpointSeconds: 0,
    device: 'webgpu',
    tune: 'off',
  },
};

describe.skipIf(!chromium)('on WebGPU', () => {
  it('a software adapter is not taken by itself, and trains when it is asked for', async () => {
    await using browser = await openBrowser(chromium!, { webgpu: true });
    const tab = await browser.open();
    const found = await tab.run<object>(
      `const { gpu } = await client.ask('tab');
      const auto = await client.ask('device', { device: 'auto' });
      const asked = await client.ask('device', { device: 'webgpu' });
      return { gpu, auto: auto.kind, asked: asked.kind };`,
    );
    expect(found).toEqual({ gpu: 'software', auto: 'wasm', asked: 'webgpu' });
    const { losses, resumed } = await tab.run<{ losses: number[]; resumed: number[] }>(
      `await client.ask('loadData', { source: { from: 'synthetic', train: 32, test: 8 } });
      const { runs: [run] } = await client.ask('start', { runs: [argument], data: 'synthetic:train=32,test=8' });
      await until(() => steps(run).length >= 5, 500); await client.ask('pause'); await client.ask('step'); await client.ask('resume');
      await stopped(run);
      return { losses: said(run).filter(({ kind }) => kind === 'epoch-end').map(({ trainLoss }) => trainLoss), resumed: steps(run).map(({ iteration }) => iteration) };`,
      SMALL,
    );
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    expect(resumed).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    expect(tab.errors).toEqual([]);
  }, 600_000);

  it('a lost GPU is told, what was saved is whole, and the run goes on when there is one again', async () => {
    await using browser = await openBrowser(chromium!, { webgpu: true });
    const tab = await browser.open();
    const begun = await tab.run<{ run: string; saved: number }>(
      `await client.ask('device', { device: 'webgpu' });
      await client.ask('loadData', { source: { from: 'synthetic', train: 32, test: 8 } });
      const { runs: [run] } = await client.ask('start', { runs: [argument], data: 'synthetic:train=32,test=8' });
      await until(() => steps(run).length >= 5, 500); await client.ask('pause');
      return { run, saved: steps(run).length };`,
      SMALL,
    );
    // As a driver that is reset or updated: the process that holds the GPU ends under the page.
    const devtools = await browser.context.browser()!.newBrowserCDPSession();
    await devtools.send('Browser.crashGpuProcess' as never);
    const error = await tab.run<object>(
      `await refusal(client.ask('resume')); return await stopped(argument);`,
      begun.run,
    );
    expect(error).toMatchObject({
      code: 'device-failed',
      message: expect.stringContaining('What was saved before is whole.'),
    });
    const all = await tab.run<number[]>(
      `let refused;
      for (let tries = 0; tries < 50; tries++) {
        refused = await refusal(client.ask('goOn', { runs: [argument] }));
        if (!refused) break;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      if (refused) throw new Error(refused.message);
      await stopped(argument); return steps(argument).map(({ iteration }) => iteration);`,
      begun.run,
    );
    expect(all.slice(0, begun.saved)).toEqual(Array.from({ length: begun.saved }, (_, i) => i + 1));
    expect(all.at(-1)).toBe(16);
    expect(all.slice(begun.saved)[0]).toBe(begun.saved + 1);
  }, 600_000);
});
