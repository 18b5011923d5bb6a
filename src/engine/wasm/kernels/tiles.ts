// Multiply-add tiles of the matrix kernels: rows × channels of accumulators. Sixteen registers hold
// the accumulators, one row of weights and one spread input. Found by `bench/kernels.ts --sweep`.

import type { KernelOptions, MatrixKernel, Tile } from './context.ts';

/** Largest multiple of 8 that divides `channels` and is at most `wanted`. */
function dividing(channels: number, wanted: number): number {
  for (let width = wanted; width > 8; width -= 8) if (channels % width === 0) return width;
  return 8;
}

/**
 * The tile of a kernel for rows of `channels` results. Two 256-bit multiply-add units of four
 * cycles' latency need eight accumulators in flight: 4×16. The direct weight gradient gains from six
 * rows where the fused instruction leaves registers for them. The tile does not change any sum's order.
 */
export function matrixTile(options: KernelOptions, kernel: MatrixKernel, channels: number): Tile {
  const override = options.tiles?.(kernel, channels);
  if (override) return override;
  const wanted = options.simdWidth === 256 ? 16 : 8;
  const tall = kernel === 'convolutionWeightGradient' && options.multiplyAdd === 'fused';
  return { rows: tall ? 6 : 4, channels: dividing(channels, wanted) };
}
