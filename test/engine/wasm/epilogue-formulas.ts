// The epilogues in float64, value by value, as `Epilogue` in epilogue.ts describes them.

import type { Epilogue } from '../../../src/engine/wasm/kernels/epilogue.ts';

/** Result of an epilogue over values [pixels][channels], and what it adds to the sums. */
export function applyEpilogue(
  epilogue: Epilogue,
  v: ArrayLike<number>,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  c: ArrayLike<number>,
  coefficients: ArrayLike<number>,
  channels: number,
): { values: Float64Array; sums: Float64Array | null } {
  const relu = (x: number) => Math.max(0, x);
  const formula = (i: number): number => {
    const channel = i % channels;
    switch (epilogue) {
      case 'none':
      case 'statistics':
        return v[i]!;
      case 'normReluGradient':
        return coefficients[channel]! * a[i]! + coefficients[channels + channel]! > 0 ? v[i]! : 0;
      case 'reluGradient':
        return b[i]! > 0 ? v[i]! : 0;
      case 'addReluGradient':
        return b[i]! > 0 ? v[i]! + c[i]! : 0;
      case 'bias':
        return v[i]! + coefficients[channel]!;
      case 'biasRelu':
        return relu(v[i]! + coefficients[channel]!);
      case 'biasAddRelu':
        return relu(v[i]! + coefficients[channel]! + a[i]!);
      default:
        return epilogue satisfies never;
    }
  };
  const values = Float64Array.from({ length: v.length }, (_, i) => formula(i));
  if (epilogue === 'none' || epilogue.startsWith('bias')) return { values, sums: null };
  const sums = new Float64Array(2 * channels);
  for (const [i, value] of values.entries()) {
    sums[i % channels]! += value;
    sums[channels + (i % channels)]! += value * (epilogue === 'statistics' ? value : a[i]!);
  }
  return { values, sums };
}
