// A process of its own for simd-width.test.ts, because V8's flags must be set before the first compile:
// runs every kernel of a training step on fixed data and prints, as JSON, the width in effect and a
// digest of all results for each kind of multiply-add.

import { createHash } from 'node:crypto';
import { KERNEL_CALL_BYTES, kernelCalls } from '../../../bench/kernel-calls.ts';
import { measureSimd } from '../../../src/engine/wasm/features.ts';
import { prepareCompiler } from '../../../src/engine/wasm/flags.node.ts';
import { generateModule, kernelFunction } from '../../../src/engine/wasm/kernels/generate.ts';
import { WASM_PAGE, wasm } from '../../../src/engine/wasm/webassembly.ts';
import { random } from './harness.ts';

const wide = process.argv[2] === 'wide';
prepareCompiler({ wide });
const pages = Math.ceil(KERNEL_CALL_BYTES / WASM_PAGE);
const start = random((pages * WASM_PAGE) / 4, 1);

function digest(multiplyAdd: 'fused' | 'separate'): string {
  const calls = kernelCalls();
  const memory = new wasm.Memory({ initial: pages });
  const contents = new Float32Array(memory.buffer as ArrayBuffer);
  const bytes = generateModule(
    calls.map((call) => call.spec),
    {
      multiplyAdd,
      simdWidth: wide ? 256 : 128,
      memory: { initialPages: pages, shared: false },
    },
  );
  const { exports } = new wasm.Instance(new wasm.Module(bytes), { env: { memory } });
  const hash = createHash('sha256');
  for (const { spec, parameters } of calls) {
    contents.set(start);
    const kernel = kernelFunction(exports, spec) as (...values: number[]) => void;
    kernel(...parameters);
    hash.update(contents);
  }
  return hash.digest('hex');
}

console.log(
  JSON.stringify({
    fused: digest('fused'),
    separate: digest('separate'),
    width: measureSimd().width,
  }),
);
