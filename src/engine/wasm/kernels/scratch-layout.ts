// Sizes and strides of the scratch memory that kernels work in, and the work block of a Winograd
// convolution. The layouts themselves are described in signatures.ts.

import type { WinogradTile } from './specs.ts';

/** Bytes of one zero-bordered image. */
export function paddedBytes(height: number, width: number, channels: number): number {
  return (height + 2) * (width + 2) * channels * 4;
}

/** From a padded image's address to that of its first inner pixel, in bytes. */
export function interiorOffset(width: number, channels: number): number {
  return (width + 2 + 1) * channels * 4;
}

/** Number of planes of transformed data: n*n. */
export function winogradPlanes(tile: WinogradTile): number {
  return (tile + 2) ** 2;
}

/** Bytes from one plane of [tiles][channels] to the next. */
export function winogradPlaneStride(tiles: number, channels: number): number {
  return Math.ceil(tiles / 4) * 4 * channels * 4 + 64;
}

/** Bytes of V, W or M for a block of tiles. */
export function winogradPlanesBytes(tile: WinogradTile, tiles: number, channels: number): number {
  return winogradPlanes(tile) * winogradPlaneStride(tiles, channels);
}

/** Bytes of the `columns` temporary of the input and output-gradient transforms. */
export function winogradColumnsBytes(tile: WinogradTile, width: number, channels: number): number {
  return (tile + 2) * (width + 2) * channels * 4;
}

/** Bytes of the `temporary` of the output transform: one tile's columns, then a row of tiles. */
export function winogradOutputBytes(tile: WinogradTile, width: number, channels: number): number {
  return 1024 + tile * width * channels * 4;
}

/**
 * Recommended work block: 32 tiles of F(4×4) (128 of F(2×2)) keep V, W and M in L2.
 * Large images are cut into `parts` (each `tileRows` rows of tiles); small ones are taken several
 * (`images`) at a time. `tiles` = tiles of one call of winogradProduct.
 */
export function winogradBlock(
  tile: WinogradTile,
  height: number,
  width: number,
): { tiles: number; images: number; parts: number; tileRows: number } {
  const perRow = width / tile;
  const perImage = perRow * (height / tile);
  const target = 32 * (16 / (tile * tile));
  if (perImage >= target) {
    let tileRows = Math.max(1, Math.floor(target / perRow));
    while ((height / tile) % tileRows !== 0) tileRows--;
    return { tiles: tileRows * perRow, images: 1, parts: height / tile / tileRows, tileRows };
  }
  const images = Math.max(1, Math.floor(target / perImage));
  return { tiles: images * perImage, images, parts: 1, tileRows: height / tile };
}
