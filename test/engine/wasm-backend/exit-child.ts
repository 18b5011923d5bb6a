// A process of its own for robustness.test.ts: runs one step and leaves.

import { lowerInference } from '../../../src/engine/lower-infer.ts';
import { createWasmBackend } from '../../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../../src/engine/wasm/host.node.ts';
import { createNetwork } from '../../../src/nn/network.ts';

const backend = await createWasmBackend({ host: createNodeHost(), threads: 2 });
const program = lowerInference(createNetwork('resnet8'), { batchSize: 2 });
const executable = await backend.compile(program);
await executable.run({
  count: 2,
  images: new Uint8Array(2 * 3072),
  labels: new Int32Array(2),
  augmentation: new Int32Array(6),
});
if (process.argv[2] === 'dispose') await backend.dispose();
console.log('done');
