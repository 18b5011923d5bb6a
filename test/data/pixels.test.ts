import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { imageDecoder } from '../../src/data/node/decode-image.ts';
import { toNetworkInput } from '../../src/data/pixels.ts';
import { encodePng } from '../../src/formats/png.node.ts';

/** A picture whose pixels are a function of their place, from 0 to 1 across and down. */
function picture(
  width: number,
  height: number,
  colour: (x: number, y: number) => readonly number[],
) {
  const pixels: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) pixels.push(...colour((x + 0.5) / width, (y + 0.5) / height));
  }
  return { width, height, data: Uint8ClampedArray.from(pixels) };
}

const gradient = (x: number, y: number) => [255 * x, 255 * y, 255 * (1 - x)];

describe('pictures become 32 × 32 × 3 bytes', () => {
  test('unchanged where they are that already, and copied', () => {
    const data = Uint8Array.from({ length: 3072 }, (_, i) => i & 255);
    const bytes = toNetworkInput({ width: 32, height: 32, data });
    expect(bytes).toEqual(data);
    expect(bytes.buffer).not.toBe(data.buffer);
  });

  test.each([
    [64, 64],
    [96, 33],
    [47, 201],
    [20, 9],
    [1, 1],
  ])('of one colour whatever their size: %i × %i', (width, height) => {
    const bytes = toNetworkInput(picture(width, height, () => [10, 100, 250]));
    expect(bytes).toEqual(Uint8Array.from({ length: 3072 }, (_, i) => [10, 100, 250][i % 3]!));
  });

  test('each the mean of what it covers', () => {
    const data = new Uint8Array(64 * 64 * 3);
    data.set([100, 0, 8], 0); // the four pixels of the first small one
    data.set([50, 0, 8], 3);
    data.set([20, 4, 8], 64 * 3);
    data.set([30, 4, 8], 64 * 3 + 3);
    const bytes = toNetworkInput({ width: 64, height: 64, data });
    expect([...bytes.subarray(0, 6)]).toEqual([50, 2, 8, 0, 0, 0]);
  });

  test('with transparency on white', () => {
    const bytes = toNetworkInput(picture(32, 32, () => [200, 0, 100, 51]));
    expect([...bytes.subarray(0, 3)]).toEqual([244, 204, 224]);
  });

  test.each([
    [200, 120],
    [57, 90],
    [20, 9],
  ])('a file gives the same bytes as its pixels: %i × %i', async (width, height) => {
    const image = picture(width, height, gradient);
    const png = encodePng({ width, height, pixels: Uint8Array.from(image.data) });
    expect(await (await imageDecoder())(png)).toEqual(toNetworkInput(image));
  });

  test('close to what a careful resampler makes of it', async () => {
    const image = picture(200, 120, gradient);
    const png = encodePng({ width: 200, height: 120, pixels: Uint8Array.from(image.data) });
    const theirs = await sharp(png).resize(32, 32, { fit: 'fill' }).removeAlpha().raw().toBuffer();
    const ours = toNetworkInput(image);
    expect(Math.max(...ours.map((value, i) => Math.abs(value - theirs[i]!)))).toBeLessThan(4);
  });

  test.each([
    { width: 2, height: 2, data: new Uint8Array(13) },
    { width: 0, height: 0, data: new Uint8Array(0) },
    { width: 4, height: 4, data: new Uint8Array(32) },
  ])('refused where bytes and size disagree: $width × $height', (image) => {
    expect(() => toNetworkInput(image)).toThrow('has three or four bytes for each, not');
  });
});
