// Where images lie on the canvas of a grid, and where keys lead in it.

import { describe, expect, it } from 'vitest';
import { IMAGE_BYTES } from '../../../src/data/dataset.ts';
import {
  afterKey,
  canvasSize,
  columnsIn,
  cornerOf,
  pixelsOf,
  placeAt,
} from '../../../src/web/shared/grid.ts';

describe('a grid of images', () => {
  it('has as many columns as fit, at least one, at most what is asked', () => {
    expect(columnsIn(348, 2, 12)).toBe(5); // 5 · 64 pixels and 4 gaps of 4 are 336
    expect(columnsIn(2000, 2, 12)).toBe(12);
    expect(columnsIn(0, 2, 12)).toBe(1);
  });

  it('has room for every image, and no gap behind the last', () => {
    expect(canvasSize(7, 3)).toEqual({ width: 3 * 32 + 2 * 2, height: 3 * 32 + 2 * 2 });
    expect(canvasSize(0, 3).height).toBe(1);
  });

  it('finds the image at a point, and none between images or behind the last', () => {
    for (const place of [0, 2, 4, 6]) {
      const { x, y } = cornerOf(place, 3);
      expect(placeAt(x, y, 3, 7)).toBe(place);
      expect(placeAt(x + 31, y + 31, 3, 7)).toBe(place);
    }
    expect(placeAt(33, 5, 3, 7)).toBeUndefined();
    expect(placeAt(40, 70, 3, 7)).toBeUndefined();
    expect(placeAt(3 * 34 + 1, 0, 3, 7)).toBeUndefined();
  });

  it('moves by arrows, stays at its ends, and asks for pages', () => {
    expect(afterKey('ArrowRight', 1, 3, 7)).toBe(2);
    expect(afterKey('ArrowDown', 1, 3, 7)).toBe(4);
    expect(afterKey('ArrowDown', 5, 3, 7)).toBe(5);
    expect(afterKey('ArrowUp', 1, 3, 7)).toBe(1);
    expect(afterKey('ArrowLeft', 0, 3, 7)).toBe(0);
    expect(afterKey('Home', 5, 3, 7)).toBe(0);
    expect(afterKey('End', 5, 3, 7)).toBe(6);
    expect(afterKey('PageDown', 5, 3, 7)).toBe('next');
    expect(afterKey('PageUp', 5, 3, 7)).toBe('previous');
    expect(afterKey('Tab', 5, 3, 7)).toBeUndefined();
  });

  it('gives one image without its opacity', () => {
    const rgba = Uint8ClampedArray.from({ length: 2 * 1024 * 4 }, (_, i) =>
      i % 4 === 3 ? 255 : i,
    );
    const pixels = pixelsOf({ rgba }, 1);
    expect(pixels).toHaveLength(IMAGE_BYTES);
    expect([...pixels.subarray(0, 6)]).toEqual(
      [0, 0, 0, 255, 255, 255].map((_, i) => rgba[4096 + i + (i > 2 ? 1 : 0)]),
    );
  });
});
