// Initial weights: the distributions of He et al. (2015) and PyTorch, and streams that depend on
// seed and name alone.

import { describe, expect, test } from 'vitest';
import { initializeWeights } from '../../src/nn/initialize.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { checkWeights } from '../../src/nn/parameters.ts';

const network = createNetwork('resnet20', { shortcut: 'B' });
const weights = initializeWeights(network, 1);
const data = (name: string) => weights.get(name)!.data;

function moments(values: Float32Array): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

describe('initializeWeights', () => {
  test('makes every tensor of the network and no other', () => {
    expect(() => checkWeights(network, weights)).not.toThrow();
  });

  test.each([
    ['layer1.0.conv1.weight', 16 * 9],
    ['layer3.1.conv2.weight', 64 * 9],
    ['layer3.0.shortcut.0.weight', 32],
    ['linear.weight', 64],
  ])('%s is normal with deviation sqrt(2 / %i)', (name, fanIn) => {
    const values = data(name);
    const { mean, deviation } = moments(values);
    const expected = Math.sqrt(2 / fanIn);
    // Five standard errors of a sample of this size.
    expect(Math.abs(mean)).toBeLessThan((5 * expected) / Math.sqrt(values.length));
    expect(Math.abs(deviation / expected - 1)).toBeLessThan(5 / Math.sqrt(2 * values.length));
    const beyondTwo = values.filter((value) => Math.abs(value) > 2 * expected).length;
    expect(beyondTwo / values.length).toBeLessThan(0.0455 + 5 * Math.sqrt(0.0455 / values.length));
    expect(beyondTwo).toBeGreaterThan(0);
  });

  test('batch norm begins at one and zero', () => {
    expect(new Set(data('layer2.1.bn2.weight'))).toEqual(new Set([1]));
    expect(new Set(data('layer2.1.bn2.bias'))).toEqual(new Set([0]));
    expect(new Set(data('bn1.running_mean'))).toEqual(new Set([0]));
    expect(new Set(data('bn1.running_var'))).toEqual(new Set([1]));
  });

  test("the linear bias is PyTorch's: uniform within 1 / sqrt(64)", () => {
    const bias = data('linear.bias');
    expect(Math.max(...bias.map(Math.abs))).toBeLessThanOrEqual(1 / 8);
    expect(new Set(bias).size).toBe(10);
  });

  test('same seed same bits; another seed other values', () => {
    expect(initializeWeights(network, 1)).toEqual(weights);
    const other = initializeWeights(network, 2).get('conv1.weight')!.data;
    expect(other).not.toEqual(data('conv1.weight'));
  });

  test("a tensor's values depend on seed and name, not on the rest of the network", () => {
    const deeper = initializeWeights(createNetwork('resnet32'), 1);
    expect(deeper.get('layer2.0.conv1.weight')).toEqual(weights.get('layer2.0.conv1.weight'));
  });
});
