// How Winograd F(m×m, 3×3) (Lavin & Gray 2015), m = 4 or 2, n = m+2, lies in memory: an image is cut into
// m×m output tiles, tile rows first. Transformed data are n*n planes, plane k at address
// planes + k*planeStride, each [tiles][C]. The stride skews planes by 64 bytes against cache set
// conflicts and leaves room for `tiles` rounded up to a multiple of 4.

import { paddedBytes } from '../image.ts';

/** Winograd's output tile edge: F(4×4,3×3) or F(2×2,3×3). */
export type WinogradTile = 2 | 4;

/** What a transform of image data is generated for. */
export interface TransformShape {
  readonly tile: WinogradTile;
  readonly width: number;
  readonly channels: number;
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
 * The work block of a convolution: large images are cut into `parts` (each `tileRows` rows of tiles);
 * small ones are taken several (`images`) at a time.
 */
interface WinogradBlock {
  readonly images: number;
  readonly parts: number;
  readonly tileRows: number;
  /** Tiles of one call of winogradProduct. */
  readonly tiles: number;
}

/** Recommended work block: 32 tiles of F(4×4) (128 of F(2×2)) keep V, W and M in L2. */
export function winogradBlock(tile: WinogradTile, height: number, width: number): WinogradBlock {
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

/**
 * Where the parts of a work block of square images with `channels` channels lie, in bytes. An image's
 * tiles follow those of the image before in every plane.
 */
export function winogradStrides(tile: WinogradTile, size: number, channels: number) {
  const { tiles, images, tileRows } = winogradBlock(tile, size, size);
  const rows = tileRows * tile;
  return {
    /** From one plane to the next. */
    plane: winogradPlaneStride(tiles, channels),
    /** From one image's tiles to the next one's, in a plane. */
    tiles: (tiles / images) * channels * 4,
    /** From one padded image to the next. */
    padded: paddedBytes(size, size, channels),
    /** From one part of a padded image, or of a dense one, to the next. */
    paddedPart: rows * (size + 2) * channels * 4,
    densePart: rows * size * channels * 4,
  };
}
