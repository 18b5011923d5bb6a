// Shapes of images: dense ones, and the zero-bordered ones in scratch (see the conventions in kernel.ts).

export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Bytes of one zero-bordered image. */
export function paddedBytes(height: number, width: number, channels: number): number {
  return (height + 2) * (width + 2) * channels * 4;
}

/** From a padded image's address to that of its first inner pixel, in bytes. */
export function interiorOffset(width: number, channels: number): number {
  return (width + 2 + 1) * channels * 4;
}
