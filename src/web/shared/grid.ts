// A grid of small images on one canvas, as numbers: which image is where, and where a key leads. What is
// seen is in ImageGrid.svelte.

import { IMAGE_SIZE } from '../../data/dataset.ts';
import type { Images } from '../worker/protocol.ts';

/** Pixels between images, of an image's own size. */
const GAP = 2;
const CELL = IMAGE_SIZE + GAP;

/** Images in a row: as many as fit into a width of CSS pixels, at least one. */
export function columnsIn(width: number, zoom: number, most: number): number {
  return Math.max(1, Math.min(most, Math.floor((width / zoom + GAP) / CELL)));
}

/** The canvas for `count` images, in pixels of theirs. */
export function canvasSize(count: number, columns: number): { width: number; height: number } {
  const rows = Math.ceil(count / columns);
  return { width: columns * CELL - GAP, height: Math.max(1, rows * CELL - GAP) };
}

/** Left and top of an image, in pixels of theirs. */
export function cornerOf(place: number, columns: number): { x: number; y: number } {
  return { x: (place % columns) * CELL, y: Math.floor(place / columns) * CELL };
}

/** The image at a point, in pixels of theirs; undefined between images and behind the last. */
export function placeAt(x: number, y: number, columns: number, count: number): number | undefined {
  const isInGap = x % CELL >= IMAGE_SIZE || y % CELL >= IMAGE_SIZE;
  const column = Math.floor(x / CELL);
  const place = Math.floor(y / CELL) * columns + column;
  const isInside = x >= 0 && y >= 0 && column < columns && place < count;
  return isInside && !isInGap ? place : undefined;
}

/**
 * Where a key leads from an image.
 * @returns a place; `previous` or `next` page; undefined for a key that means nothing here
 */
export function afterKey(
  key: string,
  place: number,
  columns: number,
  count: number,
): number | 'previous' | 'next' | undefined {
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
  };
  const step = steps[key];
  if (step !== undefined) {
    const to = place + step;
    return to >= 0 && to < count ? to : place;
  }
  if (key === 'Home') return 0;
  if (key === 'End') return count - 1;
  if (key === 'PageUp') return 'previous';
  if (key === 'PageDown') return 'next';
  return undefined;
}

/** One image as ImageTile and the networks take it: 32 × 32 × 3 bytes. */
export function pixelsOf({ rgba }: Pick<Images, 'rgba'>, place: number): Uint8Array {
  const count = IMAGE_SIZE * IMAGE_SIZE;
  const pixels = new Uint8Array(3 * count);
  for (let i = 0; i < count; i++) {
    pixels.set(rgba.subarray(4 * (place * count + i), 4 * (place * count + i) + 3), 3 * i);
  }
  return pixels;
}
