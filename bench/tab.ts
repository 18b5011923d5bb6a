// A training step in a browser tab beside one in Node.js, at the registers' width that a tab has and
// with the same threads, measured in turn so that a busy machine slows both. `estimate` of the training
// worker measures in the tab, the function behind it in Node.js.
//
//     node bench/tab.ts [rounds] [threads] [arch]

import { makeSynthetic } from '../src/data/synthetic.ts';
import { createWasmBackend } from '../src/engine/wasm/backend.ts';
import { prepareCompiler } from '../src/engine/wasm/flags.node.ts';
import { createNodeHost } from '../src/engine/wasm/host.node.ts';
import { measureSpeed } from '../src/experiment/measure.ts';
import { resolveConfig } from '../src/experiment/recipes.ts';
import { findChromium } from '../test/support/chromium.ts';
import { openBrowser } from '../test/web/worker/tab.ts';

const [rounds = '5', threads = '1', arch = 'resnet20'] = process.argv.slice(2);
const data = 'synthetic:train=1280,test=10';

const chromium = findChromium();
if (!chromium) process.exit(1);

const host = { ...createNodeHost(), prepareCompiler: () => prepareCompiler({ wide: false }) };
const backend = await createWasmBackend({ host, threads: Number(threads) });
const config = resolveConfig({ arch, recipe: 'quick', overrides: { data } });
const dataset = makeSynthetic(data);

await using browser = await openBrowser(chromium);
const tab = await browser.open();
const { description } = await tab.run<{ description: string }>(
  `await client.ask('loadData', { source: { from: 'storage', data: '${data}' } });
  return await client.ask('device', { device: 'cpu', threads: ${threads} });`,
);
console.log(`Node.js: ${backend.description}\ntab:     ${description}`);

const speeds = { node: [] as number[], tab: [] as number[] };
for (let round = 0; round < Number(rounds); round++) {
  const node = await measureSpeed({ config, dataset, backend, seconds: 2 });
  const inTab = await tab.run<{ imagesPerSecond: number }>(
    `return await client.ask('estimate', { run: { arch: '${arch}', recipe: 'quick' }, data: '${data}' });`,
  );
  speeds.node.push(node.imagesPerSecond);
  speeds.tab.push(inTab.imagesPerSecond);
  console.log(
    `${node.imagesPerSecond.toFixed(1)} and ${inTab.imagesPerSecond.toFixed(1)} images/s`,
  );
}
await backend.dispose();
const ratios = speeds.tab.map((speed, i) => speed / speeds.node[i]!).sort((a, b) => a - b);
const median = ratios[ratios.length >> 1]!;
console.log(
  `${arch}, ${threads} thread(s): a tab does ${median.toFixed(3)} × the images of Node.js (median of ${rounds}; ${ratios[0]!.toFixed(3)} to ${ratios.at(-1)!.toFixed(3)})`,
);
