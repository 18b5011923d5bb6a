// The numbers of one pixel add up, as chapter 6 shows them.

import { describe, expect, test } from 'vitest';
import { IMAGENET_NORMALIZATION } from '../../../../src/data/normalization.ts';
import { makeSynthetic } from '../../../../src/data/synthetic.ts';
import { blockNames, ImagePass } from '../../../../src/experiment/feature-maps.ts';
import { initializeWeights } from '../../../../src/nn/initialize.ts';
import { createNetwork } from '../../../../src/nn/network.ts';
import {
  channelParts,
  digits,
  stepsOf,
  windowOf,
} from '../../../../src/web/chapters/inside/arithmetic.ts';
import { channelOf } from '../../../../src/web/chapters/inside/maps.ts';

const network = createNetwork('resnet14', { shortcut: 'B' });
const { test: images } = makeSynthetic('synthetic:train=1,test=1');
const weights = initializeWeights(network, 3);
const pass = new ImagePass(network, weights, IMAGENET_NORMALIZATION, images.images.slice(0, 3072));

const convolutions = blockNames(network).flatMap(({ block, convolutions, size, channels }) =>
  convolutions.map((convolution) => ({ block, convolution, size, channels })),
);

describe.each(convolutions)('$convolution', ({ block, convolution, size, channels }) => {
  const [row, column, channel] = [size - 1, Math.floor(size / 2), channels - 1];
  const pixel = pass.pixel(convolution, row, column, channel);

  test('is a sum over its input channels', () => {
    const parts = channelParts(pixel);
    expect(parts).toHaveLength(pixel.inputChannels);
    expect(parts.reduce((sum, part) => sum + part.sum, 0)).toBeCloseTo(pixel.sum, 9);
    for (const { products, sum } of parts) {
      expect(products.reduce((a, b) => a + b, 0)).toBeCloseTo(sum, 12);
    }
  });

  test('goes step by step to the pixel of its map', () => {
    const steps = stepsOf(pixel);
    const maps = pass.maps(block);
    const isLast = convolution === block || convolution.endsWith('conv2');
    const isFirst = convolution.endsWith('.conv1');
    const map = isLast ? maps.output : isFirst ? maps.middle! : undefined;
    if (map) {
      const plane = channelOf(map, channel);
      expect(steps.at(-1)!.value).toBeCloseTo(plane[row * size + column]!, 5);
    } else {
      expect(steps.at(-1)!.name).toBe('scaled');
    }
    expect(steps.some(({ name }) => name === 'shortcut')).toBe(convolution.endsWith('conv2'));
  });

  test('sees the window of the input that its weights lie on', () => {
    const { middle, input } = pass.maps(block);
    const map = convolution.endsWith('conv2') ? middle! : input;
    const window = windowOf(pixel, row, column);
    const [first] = channelParts(pixel);
    const plane = channelOf(map, 0);
    first!.patch.forEach((value, tap) => {
      const y = window.row + Math.floor(tap / window.size);
      const x = window.column + (tap % window.size);
      const isInside = y >= 0 && x >= 0 && y < map.size && x < map.size;
      expect(value).toBe(isInside ? plane[y * map.size + x] : 0);
    });
  });
});

test('numbers have four digits, tiny and huge ones an exponent, and a real minus', () => {
  expect([0, 1.5, -0.25, 1e-5, -123456].map(digits)).toEqual([
    '0.0000',
    '1.5000',
    '−0.2500',
    '1.000e−5',
    '−1.235e+5',
  ]);
});
