// Weights for input gradients. The gradient of a correlation with g is the correlation with g turned
// by 180° and transposed between input and output channels, so the same kernels serve both passes.
//
//     reverseWeights  out[k-1-kh][k-1-kw][o][i] = g[kh][kw][i][o]
//     parityWeights   the nine transposed matrices in the order of strided-input-gradient.ts

import { f32, i32 } from '../assembler/instructions.ts';
import { assign, increment, loop } from '../assembler/module.ts';
import type { Context } from './context.ts';
import { kernelName, type SpecOf } from './signatures.ts';
import { PARITY_TAPS } from './strided-input-gradient.ts';

export function generateRearrangeWeights(context: Context, spec: SpecOf<'reverseWeights'>): void {
  const { kernel, inputChannels, outputChannels } = spec;
  const matrixBytes = inputChannels * outputChannels * 4;
  const fn = context.module.function(kernelName(spec));
  const [weights, target] = fn.addresses(2);
  const [i, o, row, at] = fn.locals('i32', 4);
  const matrices = spec.family === 'parityWeights' ? parityOrder() : reverseOrder(kernel * kernel);
  fn.body(
    matrices.map((k) => [
      loop(i!, 0, inputChannels * 4, 4, [
        assign(row!, i32.add(i32.add(weights, k * matrixBytes), i32.mul(i!, outputChannels))),
        assign(at!, i32.add(target, i!)),
        loop(o!, 0, outputChannels, 1, [
          f32.store(at!, 0, f32.load(row!)),
          increment(row!, 4),
          increment(at!, inputChannels * 4),
        ]),
      ]),
      increment(target, matrixBytes),
    ]),
  );
}

function reverseOrder(count: number): number[] {
  return Array.from({ length: count }, (_, k) => count - 1 - k);
}

function parityOrder(): number[] {
  return PARITY_TAPS.flatMap((rows) =>
    PARITY_TAPS.flatMap((columns) => rows.flatMap((kh) => columns.map((kw) => kh * 3 + kw))),
  );
}
