// This project as a contestant of the benchmark: what `table6 train` and `table6 evaluate` do between
// reading images and writing files, with random weights and images.
//
// usage: node table6.ts ARCH train|infer BATCH THREADS 256|128 winograd4|winograd2|direct MEMORY

import { IMAGE_BYTES } from '../src/data/dataset.ts';
import { IMAGENET_NORMALIZATION } from '../src/data/normalization.ts';
import type { BatchInputs } from '../src/engine/backend.ts';
import { lowerTraining, type MemoryMode } from '../src/engine/lower-train.ts';
import { createWasmBackend } from '../src/engine/wasm/backend.ts';
import { prepareCompiler } from '../src/engine/wasm/flags.node.ts';
import { createNodeHost } from '../src/engine/wasm/host.node.ts';
import type { ConvolutionAlgorithm } from '../src/engine/wasm/protocol.ts';
import { initializeWeights } from '../src/nn/initialize.ts';
import { createNetwork } from '../src/nn/network.ts';
import { createInference, writeTraining } from '../src/train/executables.ts';
import { randomStream } from '../src/util/random.ts';
import { serve } from './serve.ts';

const [arch, mode, batchText, threads, width, convolution, memory] = process.argv.slice(2);
const batch = Number(batchText);
const wide = width !== '128';
const network = createNetwork(arch as string);
const backend = await createWasmBackend({
  host: { ...createNodeHost(), prepareCompiler: () => prepareCompiler({ wide }) },
  threads: Number(threads),
  convolution: convolution as ConvolutionAlgorithm,
});
if (backend.facts.simdWidth !== Number(width)) {
  throw new Error(`the kernels are ${backend.facts.simdWidth} bits wide here, not ${width}`);
}
const random = randomStream(1, 'bench');
const integers = (length: number, below: (i: number) => number) =>
  Array.from({ length }, (_, i) => random.integer(below(i)));
const inputs: BatchInputs = {
  count: batch,
  images: Uint8Array.from(integers(batch * IMAGE_BYTES, () => 256)),
  labels: Int32Array.from(integers(batch, () => network.classes)),
  augmentation: Int32Array.from(integers(3 * batch, (i) => (i % 3 === 2 ? 2 : 9))),
  sgd: mode === 'train' ? { learningRate: 0.01, momentum: 0.9, weightDecay: 1e-4 } : undefined,
};
const weights = initializeWeights(network, 1);
const trainer = async () => {
  const program = lowerTraining(network, { batchSize: batch, memory: memory as MemoryMode });
  const executable = await backend.compile(program);
  await writeTraining(executable, weights, IMAGENET_NORMALIZATION);
  return executable;
};
const executable =
  mode === 'train'
    ? await trainer()
    : await createInference(backend, network, weights, IMAGENET_NORMALIZATION, batch);

await serve({ peer: 'table6', batch, step: () => executable.run(inputs) });
