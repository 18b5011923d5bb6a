// What the processor and the compiler make of the kernels, measured: the width of the registers in
// effect, which decides tiles but no bit of a result, and the multiply-add ceiling. V8 fuses pairs of
// 128-bit operations to 256 bits only behind a flag and only on x64 with AVX2; where it does not, it
// says nothing and everything runs at half speed. So this is measured at start-up and reported, never
// assumed.
//
// The measured loop is the matrix kernels' own tile on data in L1. It is compiled twice: once as the
// kernels are, with adjacent accumulators in adjacent 16-byte stores, which the revectorizer pairs, and
// once with a gap between the stores, which it cannot pair. If the first is clearly faster, the wide
// path is in effect. (V8 caches compiled code by bytes, so the same module under another flag would
// be the same code measured twice.)

import { increment, loop, ModuleBuilder } from './assembler/module.ts';
import type { KernelOptions, MultiplyAdd } from './kernels/context.ts';
import { MatrixTile } from './kernels/matrix-tile.ts';
import { matrixTile } from './kernels/tiles.ts';
import { wasm } from './webassembly.ts';

export interface SimdMeasurement {
  /** Bits of the registers that the kernels' arithmetic uses in effect. */
  readonly width: 128 | 256;
  /** Multiply-add rate of one thread at that width, 10⁹ floating-point operations a second. */
  readonly rates: Readonly<Record<MultiplyAdd, number>>;
}

const CHANNELS = 16;
const STEPS = 8;
const ROUNDS = 1000;
/** Repetitions, interleaved, of which the fastest counts: other processes only make it slower. */
const REPETITIONS = 16;
/** The wide path nearly doubles the rate; halfway between. */
const WIDE_RATIO = 1.4;

const MODES: readonly MultiplyAdd[] = ['fused', 'separate'];

/** Measures for a few milliseconds. Set the compiler's flags before (flags.node.ts). */
export function measureSimd(): SimdMeasurement {
  const memory = new wasm.Memory({ initial: 1 });
  const module = new ModuleBuilder({ initialPages: 1, shared: false });
  const variants = MODES.flatMap((multiplyAdd) =>
    ([256, 128] as const).flatMap((simdWidth) => {
      const options = { multiplyAdd, simdWidth };
      const name = `${multiplyAdd} ${simdWidth}`;
      return simdWidth === 256
        ? [
            rateKernel(module, `${name} paired`, options, 16),
            rateKernel(module, `${name} unpaired`, options, 32),
          ]
        : [rateKernel(module, name, options, 16)];
    }),
  );
  const { exports } = new wasm.Instance(new wasm.Module(module.bytes()), { env: { memory } });
  const rates = new Map<string, number>();
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    for (const { name, operations } of variants) {
      const kernel = exports[name] as (data: number, rounds: number) => void;
      const start = performance.now();
      kernel(1024, ROUNDS);
      const rate = (operations * ROUNDS) / (performance.now() - start) / 1e6;
      rates.set(name, Math.max(rate, rates.get(name) ?? 0));
    }
  }
  const rate = (name: string) => rates.get(name) ?? 0;
  const wide = MODES.some(
    (mode) => rate(`${mode} 256 paired`) > WIDE_RATIO * rate(`${mode} 256 unpaired`),
  );
  const suffix = wide ? '256 paired' : '128';
  return {
    width: wide ? 256 : 128,
    rates: { fused: rate(`fused ${suffix}`), separate: rate(`separate ${suffix}`) },
  };
}

/** acc[r][c] += x[r] * w[c], the same x and w again and again, stored `vectorBytes` apart. */
function rateKernel(
  module: ModuleBuilder,
  name: string,
  options: KernelOptions,
  vectorBytes: number,
): { name: string; operations: number } {
  const tile = matrixTile(options, 'winogradProduct', CHANNELS);
  const fn = module.function(name);
  const [data, rounds] = fn.addresses(2);
  const matrix = new MatrixTile(fn, options, tile);
  const [round, input] = fn.locals('i32', 2);
  const rowBytes = STEPS * 4;
  const weights = 4096;
  fn.body(
    matrix.clear(),
    loop(round, 0, rounds, 1, [
      // Addresses change every round, so that nothing can be kept from the last one.
      increment(input, 4),
      matrix.accumulate(STEPS, input, rowBytes, 4, weights, CHANNELS * 4),
    ]),
    matrix.store(data, 1024, vectorBytes),
  );
  return { name, operations: 2 * STEPS * tile.rows * tile.channels };
}
