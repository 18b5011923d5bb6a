// This project as a contestant of the benchmark: what `table6 train` and `table6 evaluate` do between
// reading images and writing files, with random weights and images.
//
// usage: node table6.ts TASK, which is JSON; see `contestants.ts`

import { z } from 'zod';
import { IMAGENET_NORMALIZATION } from '../src/data/normalization.ts';
import type { Backend } from '../src/engine/backend.ts';
import { lowerTrainingFor } from '../src/engine/lower-train.ts';
import { createWasmBackend } from '../src/engine/wasm/backend.ts';
import { prepareCompiler } from '../src/engine/wasm/flags.node.ts';
import { createNodeHost } from '../src/engine/wasm/host.node.ts';
import { createWebGpuBackend } from '../src/engine/webgpu/backend.ts';
import { createNodeGpuHost } from '../src/engine/webgpu/host.node.ts';
import { initializeWeights } from '../src/nn/initialize.ts';
import { createNetwork } from '../src/nn/network.ts';
import { createInference, writeTraining } from '../src/train/executables.ts';
import { serve } from './serve.ts';
import { createSteps, randomInputs } from './steps.ts';

const common = {
  arch: z.string(),
  mode: z.enum(['train', 'infer']),
  batch: z.int().min(1),
  memory: z.enum(['auto', 'keep', 'recompute']),
};
const taskSchema = z.discriminatedUnion('device', [
  z.object({
    ...common,
    device: z.literal('cpu'),
    threads: z.int(),
    width: z.union([z.literal(256), z.literal(128)]),
    convolution: z.enum(['winograd4', 'winograd2', 'direct']),
  }),
  z.object({
    ...common,
    device: z.literal('webgpu'),
    precision: z.enum(['float32', 'half', 'tensor-cores']),
    adapter: z.string().optional(),
  }),
]);
/** What one process of table6 does in a comparison. */
export type Table6Task = z.infer<typeof taskSchema>;

/** @throws Error where the kernels are not as wide as asked for, UserError without a GPU */
async function openBackend(task: Table6Task): Promise<Backend> {
  if (task.device === 'webgpu') {
    return createWebGpuBackend({
      gpu: createNodeGpuHost(),
      adapterName: task.adapter,
      half: task.precision !== 'float32',
      tensorCores: task.precision === 'tensor-cores' ? 'auto' : 'off',
      tune: 'auto',
    });
  }
  const backend = await createWasmBackend({
    host: {
      ...createNodeHost(),
      prepareCompiler: () => prepareCompiler({ wide: task.width === 256 }),
    },
    threads: task.threads,
    convolution: task.convolution,
  });
  if (backend.facts.simdWidth !== task.width) {
    throw new Error(`the kernels are ${backend.facts.simdWidth} bits wide here, not ${task.width}`);
  }
  return backend;
}

if (import.meta.main) {
  const task = taskSchema.parse(JSON.parse(process.argv[2]!));
  const { arch, mode, batch, memory } = task;
  const network = createNetwork(arch);
  const backend = await openBackend(task);
  const weights = initializeWeights(network, 1);
  const trainer = async () => {
    const program = await lowerTrainingFor(backend, network, { batchSize: batch, memory });
    const executable = await backend.compile(program);
    await writeTraining(executable, weights, IMAGENET_NORMALIZATION);
    return executable;
  };
  const executable =
    mode === 'train'
      ? await trainer()
      : await createInference(backend, network, weights, IMAGENET_NORMALIZATION, batch);
  const steps = await createSteps(executable, randomInputs(batch, network.classes, mode));
  await serve({ peer: 'table6', batch, step: steps.next, finish: steps.finish });
}
