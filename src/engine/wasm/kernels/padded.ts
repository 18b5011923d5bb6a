// The zero-bordered images in scratch that kernels read: see the conventions in kernel.ts.

/** Bytes of one zero-bordered image. */
export function paddedBytes(height: number, width: number, channels: number): number {
  return (height + 2) * (width + 2) * channels * 4;
}

/** From a padded image's address to that of its first inner pixel, in bytes. */
export function interiorOffset(width: number, channels: number): number {
  return (width + 2 + 1) * channels * 4;
}
