// Speed of single WebAssembly kernels on one thread, and what a ResNet-20 training step would take if
// it were nothing but them: a table to paste into the documentation, and the tool with which
// src/engine/wasm/kernels/tiles.ts was filled.
//
//   node bench/kernels.ts            every kernel of a ResNet-20 step
//   node bench/kernels.ts --sweep    tiles of the matrix kernels
//   --narrow                         without the wide path (128 bits)
//   --separate                       two roundings instead of one

import { measureSimd } from '../src/engine/wasm/features.ts';
import { prepareCompiler } from '../src/engine/wasm/flags.node.ts';
import type { KernelOptions, MultiplyAdd, Tile } from '../src/engine/wasm/kernels/context.ts';
import { generateModule, type KernelSpec } from '../src/engine/wasm/kernels/kernel.ts';
import { WASM_PAGE, wasm } from '../src/engine/wasm/webassembly.ts';
import { KERNEL_CALL_BYTES, type KernelCall, kernelCalls } from './kernel-calls.ts';

const PAGES = Math.ceil(KERNEL_CALL_BYTES / WASM_PAGE);
const memory = new wasm.Memory({ initial: PAGES });
new Float32Array(memory.buffer as ArrayBuffer).fill(0.01);

/** Milliseconds of one call: the median of the fastest half of at least ten runs. */
function measure(call: () => void): number {
  call();
  let repeats = 1;
  for (;;) {
    const start = performance.now();
    for (let i = 0; i < repeats; i++) call();
    const elapsed = performance.now() - start;
    if (elapsed > 2) break;
    repeats *= 2;
  }
  const times = Array.from({ length: 10 }, () => {
    const start = performance.now();
    for (let i = 0; i < repeats; i++) call();
    return (performance.now() - start) / repeats;
  });
  return times.sort((a, b) => a - b)[2]!;
}

/** Compiles kernels by themselves and returns them bound. */
function compile(specs: readonly KernelSpec[], options: KernelOptions) {
  const bytes = generateModule(specs, {
    ...options,
    memory: { initialPages: PAGES, shared: false },
  });
  const { exports } = new wasm.Instance(new wasm.Module(bytes), { env: { memory } });
  return (call: KernelCall) => {
    const kernel = call.spec.from(exports);
    return () => kernel(...call.parameters);
  };
}

function table(options: KernelOptions): void {
  const calls = kernelCalls();
  const start = performance.now();
  const bind = compile(
    calls.map((call) => call.spec),
    options,
  );
  const compiled = performance.now() - start;
  console.log(`| kernel | µs | GFLOP/s | µs an image |\n|---|---|---|---|`);
  let total = 0;
  for (const call of calls) {
    const time = measure(bind(call)) * 1000;
    const perImage = (time * call.perStep) / call.images;
    total += perImage;
    const rate = call.flops > 0 ? (call.flops / time / 1e3).toFixed(1) : '';
    console.log(`| ${call.name} | ${time.toFixed(1)} | ${rate} | ${perImage.toFixed(1)} |`);
  }
  console.log(
    `\nsum ${total.toFixed(0)} µs an image = ${(1e6 / total).toFixed(0)} images/s on one thread; ` +
      `generated and compiled in ${compiled.toFixed(0)} ms`,
  );
}

const SWEEP: readonly Tile[] = [
  [1, 16],
  [1, 32],
  [2, 8],
  [2, 16],
  [2, 32],
  [3, 8],
  [3, 16],
  [3, 32],
  [4, 8],
  [4, 16],
  [4, 32],
  [5, 16],
  [6, 8],
  [6, 16],
  [8, 8],
].map(([rows, channels]) => ({ rows: rows!, channels: channels! }));

function sweep(options: KernelOptions): void {
  const calls = kernelCalls().filter((call) => call.flops > 0);
  for (const call of calls) {
    const results: string[] = [];
    for (const tile of SWEEP) {
      if (call.columns % tile.channels !== 0 || call.rows % tile.rows !== 0) continue;
      const bind = compile([call.spec], { ...options, tiles: () => tile });
      const rate = call.flops / measure(bind(call)) / 1e6;
      results.push(`${tile.rows}x${tile.channels} ${rate.toFixed(0)}`);
    }
    console.log(`${options.multiplyAdd.padEnd(8)} ${call.name.padEnd(34)} ${results.join('  ')}`);
  }
}

const flags = new Set(process.argv.slice(2));
prepareCompiler({ wide: !flags.has('--narrow') });
const simd = measureSimd();
const multiplyAdd: MultiplyAdd = flags.has('--separate') ? 'separate' : 'fused';
const { fused, separate } = simd.rates;
console.log(
  `${simd.width} bits, ceiling ${fused.toFixed(0)} GFLOP/s with one rounding, ${separate.toFixed(0)} with two\n`,
);
const options = { simdWidth: simd.width, multiplyAdd };
if (flags.has('--sweep')) sweep(options);
else table(options);
