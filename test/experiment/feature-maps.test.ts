// One image's maps beside what the oracle computes, and a pixel's arithmetic beside the maps.

import { describe, expect, it } from 'vitest';
import { IMAGENET_NORMALIZATION, type Normalization } from '../../src/data/normalization.ts';
import { createReferenceBackend } from '../../src/engine/reference/backend.ts';
import {
  blockNames,
  type FeatureMap,
  firstFilters,
  ImagePass,
} from '../../src/experiment/feature-maps.ts';
import { initializeWeights } from '../../src/nn/initialize.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { predictImages } from '../../src/train/evaluate.ts';
import { createInference } from '../../src/train/executables.ts';
import { UserError } from '../../src/util/errors.ts';
import { randomStream } from '../../src/util/random.ts';
import type { NamedTensors } from '../../src/util/tensor.ts';

const random = randomStream(5, 'feature maps');
const pixels = Uint8Array.from({ length: 3072 }, () => random.integer(256));

/** As after some training: no statistic is 0 or 1. */
function trained(arch: string, shortcut?: 'A' | 'B') {
  const network = createNetwork(arch, { shortcut });
  const weights: NamedTensors = initializeWeights(network, 3);
  for (const [name, { data }] of weights) {
    if (!/bn|shortcut\.1|bias/.test(name)) continue;
    const low = /var|weight/.test(name) ? 0.5 : -0.5;
    for (let i = 0; i < data.length; i++) data[i] = low + random.uniform();
  }
  return { network, weights };
}

const perPixel: Normalization = {
  kind: 'per-pixel-mean',
  mean: Array.from(pixels, (_, i) => (i % 7) / 10),
  deviation: [1, 1, 1],
};

const value = (
  { size, channels, values }: FeatureMap,
  row: number,
  column: number,
  channel: number,
) => values[(row * size + column) * channels + channel]!;

describe.each([
  ['resnet8', 'A', IMAGENET_NORMALIZATION],
  ['resnet8', 'B', perPixel],
  ['resnet14', 'A', IMAGENET_NORMALIZATION],
  ['plain8', undefined, IMAGENET_NORMALIZATION],
] as const)('%s, shortcut %s', (arch, shortcut, normalization) => {
  const { network, weights } = trained(arch, shortcut);
  const pass = new ImagePass(network, weights, normalization, pixels);

  it('the probabilities are the oracle’s', async () => {
    const backend = createReferenceBackend();
    const executable = await createInference(backend, network, weights, normalization, 1);
    const [expected] = await predictImages(executable, pixels, 10);
    const actual = pass.probabilities();
    for (const { index, probability } of expected!) {
      expect(Math.abs(actual[index]! - probability)).toBeLessThan(1e-5);
    }
  });

  it('a block’s output is its residual and what the shortcut adds, rectified', () => {
    for (const { block, size, channels } of blockNames(network)) {
      const maps = pass.maps(block);
      expect(maps.output).toMatchObject({ size, channels });
      maps.output.values.forEach((output, i) => {
        const sum = maps.residual.values[i]! + (maps.shortcut?.values[i] ?? 0);
        expect(output).toBe(Math.fround(Math.max(0, sum)));
      });
      expect(maps.shortcut === undefined).toBe(block === 'conv1' || arch === 'plain8');
    }
  });

  it('the arithmetic of a pixel gives the value in the map', () => {
    for (const { block, convolutions } of blockNames(network)) {
      const maps = pass.maps(block);
      for (const convolution of convolutions) {
        const isFirst = convolution.endsWith('.conv1');
        const isProjection = convolution.endsWith('shortcut.0');
        const map = isProjection ? maps.shortcut! : isFirst ? maps.middle! : maps.output;
        for (const [row, column, channel] of [
          [0, 0, 0],
          [3, 7, 5],
          [map.size - 1, 2, 15],
        ] as const) {
          const pixel = pass.pixel(convolution, row, column, channel);
          const products = pixel.patch.map((each, i) => each * pixel.weights[i]!);
          expect(products.reduce((a, b) => a + b, 0)).toBeCloseTo(pixel.sum, 4);
          expect(pixel.output).toBeCloseTo(value(map, row, column, channel), 5);
          expect(pixel.shortcut === undefined).toBe(
            isFirst || isProjection || maps.shortcut === undefined,
          );
        }
      }
    }
  });
});

describe('what does not exist', () => {
  const { network, weights } = trained('resnet8');
  const pass = new ImagePass(network, weights, IMAGENET_NORMALIZATION, pixels);

  it.each([
    () => pass.maps('layer9.0'),
    () => pass.pixel('layer1.0.conv3', 0, 0, 0),
    () => pass.pixel('layer1.0.conv1', 32, 0, 0),
    () => pass.pixel('layer1.0.conv1', 0, 0, 16),
    () => pass.pixel('layer1.0.conv1', 0.5, 0, 0),
    () => new ImagePass(network, weights, IMAGENET_NORMALIZATION, new Uint8Array(12)),
    () => new ImagePass(network, new Map(), IMAGENET_NORMALIZATION, pixels),
  ])('is refused with a sentence (%#)', (ask) => {
    expect(ask).toThrow(UserError);
  });
});

it('the first filters have their colours together', () => {
  const { network, weights } = trained('resnet8');
  const { count, values } = firstFilters(network, weights);
  const { data } = weights.get('conv1.weight')!;
  expect(count).toBe(16);
  // [filter 2][row 1][column 0][blue] of the page, [filter 2][blue][row 1][column 0] of PyTorch.
  expect(values[((2 * 3 + 1) * 3 + 0) * 3 + 2]).toBe(data[((2 * 3 + 2) * 3 + 1) * 3 + 0]);
  expect([...values].sort()).toEqual([...data].sort());
});
