// Run by memory-plan.test.ts in a process of its own: how far a training step raises the resident
// memory. Prints JSON. Arguments: network, batch size, memory mode.

import { type Activations, lowerTraining } from '../../../src/engine/lower-train.ts';
import { createWasmBackend } from '../../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../../src/engine/wasm/host.node.ts';
import { createNetwork } from '../../../src/nn/network.ts';

const [arch, batch, memory] = process.argv.slice(2) as [string, string, Activations];
const batchSize = Number(batch);
const program = lowerTraining(createNetwork(arch), { batchSize, memory });
const backend = await createWasmBackend({ host: createNodeHost(), threads: 1 });
const before = process.memoryUsage().rss;
const executable = await backend.compile(program);
await executable.run({
  count: batchSize,
  images: new Uint8Array(batchSize * 3072),
  labels: new Int32Array(batchSize),
  augmentation: new Int32Array(batchSize * 3),
  sgd: { learningRate: 0.1, momentum: 0.9, weightDecay: 0 },
});
const grown = process.memoryUsage().rss - before;
console.log(JSON.stringify({ grown, memoryBytes: executable.memoryBytes }));
await executable.dispose();
await backend.dispose();
