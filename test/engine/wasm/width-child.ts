// A process of its own for simd-width.test.ts, because V8's flags must be set before the first compile.
// Prints as JSON the width in effect and digests of the results: of every kernel that the kernel benchmark
// times, on fixed data, for each kind of multiply-add; and of whole training steps and evaluations
// (width-programs.ts).

import { createHash, type Hash } from 'node:crypto';
import { KERNEL_CALL_BYTES, kernelCalls } from '../../../bench/kernel-calls.ts';
import { IMAGENET_NORMALIZATION } from '../../../src/data/normalization.ts';
import { lowerTraining } from '../../../src/engine/lower-train.ts';
import { createWasmBackend, type WasmBackend } from '../../../src/engine/wasm/backend.ts';
import { prepareCompiler } from '../../../src/engine/wasm/flags.node.ts';
import { createInlineHost } from '../../../src/engine/wasm/host-inline.ts';
import type { MultiplyAdd } from '../../../src/engine/wasm/kernels/context.ts';
import { generateModule } from '../../../src/engine/wasm/kernels/kernel.ts';
import { WASM_PAGE, wasm } from '../../../src/engine/wasm/webassembly.ts';
import { initializeWeights } from '../../../src/nn/initialize.ts';
import type { Network } from '../../../src/nn/network.ts';
import { createInference } from '../../../src/train/executables.ts';
import { randomBatch } from '../../conformance/cases.ts';
import { trainedState } from '../../conformance/outcome.ts';
import { random } from './harness.ts';
import { ALGORITHMS, networkOf, WIDTH_PROGRAMS, type WidthProgram } from './width-programs.ts';

const simdWidth = process.argv[2] === 'wide' ? 256 : 128;
const host = {
  ...createInlineHost(),
  prepareCompiler: () => prepareCompiler({ wide: simdWidth === 256 }),
};
host.prepareCompiler();
const pages = Math.ceil(KERNEL_CALL_BYTES / WASM_PAGE);
const start = random((pages * WASM_PAGE) / 4, 1);

function ofKernels(multiplyAdd: MultiplyAdd): string {
  const calls = kernelCalls();
  const memory = new wasm.Memory({ initial: pages });
  const contents = new Float32Array(memory.buffer as ArrayBuffer);
  const bytes = generateModule(
    calls.map((call) => call.spec),
    { multiplyAdd, simdWidth, memory: { initialPages: pages, shared: false } },
  );
  const { exports } = new wasm.Instance(new wasm.Module(bytes), { env: { memory } });
  const hash = createHash('sha256');
  for (const { spec, parameters } of calls) {
    contents.set(start);
    spec.from(exports)(...parameters);
    hash.update(contents);
  }
  return hash.digest('hex');
}

/** Full groups of Winograd's tiles and, in the second step, a short batch. */
const BATCH_SIZE = 40;
const COUNTS = [40, 23];

/** One digest for each program, so that a difference says where it is. */
async function ofPrograms(): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  const kernels = { simdWidth, multiplyAdd: 'fused' } as const;
  for (const convolution of ALGORITHMS) {
    const backend = await createWasmBackend({ host, threads: 1, convolution, kernels });
    for (const program of WIDTH_PROGRAMS) {
      const title = [convolution, ...Object.values(program)].join(' ');
      digests[title] = await digestOf(backend, program);
    }
    await backend.dispose();
  }
  return digests;
}

async function digestOf(backend: WasmBackend, settings: WidthProgram): Promise<string> {
  const { memory, freeze } = settings;
  const network = networkOf(settings);
  const program = lowerTraining(network, { batchSize: BATCH_SIZE, memory, freeze });
  const batches = COUNTS.map((count, i) => ({ ...randomBatch(10, BATCH_SIZE, i), count }));
  const { metrics, buffers } = await trainedState(backend, program, batches);
  const hash = createHash('sha256').update(JSON.stringify(metrics));
  for (const buffer of buffers) hash.update(buffer);
  await evaluate(backend, network, hash);
  return hash.digest('hex');
}

async function evaluate(backend: WasmBackend, network: Network, hash: Hash): Promise<void> {
  const weights = initializeWeights(network, 5);
  const executable = await createInference(
    backend,
    network,
    weights,
    IMAGENET_NORMALIZATION,
    BATCH_SIZE,
  );
  hash.update(JSON.stringify(await executable.run(randomBatch(10, BATCH_SIZE, 7))));
  hash.update(await executable.read('logits'));
}

async function widthInEffect() {
  const backend = await createWasmBackend({ host, threads: 1 });
  await backend.dispose();
  return backend.facts.simdWidth;
}

console.log(
  JSON.stringify({
    kernels: { fused: ofKernels('fused'), separate: ofKernels('separate') },
    programs: await ofPrograms(),
    width: await widthInEffect(),
  }),
);
