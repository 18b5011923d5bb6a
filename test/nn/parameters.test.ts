// The tensors of a network and the check that a file holds exactly these.

import { describe, expect, test } from 'vitest';
import { initializeWeights } from '../../src/nn/initialize.ts';
import { createNetwork } from '../../src/nn/network.ts';
import {
  checkWeights,
  parameterCount,
  parameterSpecs,
  runningStatisticSpecs,
} from '../../src/nn/parameters.ts';

const network = createNetwork('resnet20');

describe('parameterSpecs', () => {
  test("follows PyTorch's state_dict order and shapes", () => {
    const specs = parameterSpecs(network);
    expect(specs.slice(0, 4).map(({ name, shape }) => [name, shape])).toEqual([
      ['conv1.weight', [16, 3, 3, 3]],
      ['bn1.weight', [16]],
      ['bn1.bias', [16]],
      ['layer1.0.conv1.weight', [16, 16, 3, 3]],
    ]);
    expect(specs.slice(-2).map(({ name, shape }) => [name, shape])).toEqual([
      ['linear.weight', [10, 64]],
      ['linear.bias', [10]],
    ]);
  });

  test('names are unique, and counted once', () => {
    const specs = [...parameterSpecs(network), ...runningStatisticSpecs(network)];
    expect(new Set(specs.map(({ name }) => name)).size).toBe(specs.length);
    expect(parameterCount(network)).toBe(269_722);
  });
});

describe('checkWeights', () => {
  const weights = () => new Map(initializeWeights(network, 1));

  test('takes the network’s own weights, with or without batch counters', () => {
    const tensors = weights();
    tensors.set('bn1.num_batches_tracked', { shape: [], data: new Float32Array(1) });
    expect(() => checkWeights(network, tensors)).not.toThrow();
  });

  test('names a missing tensor', () => {
    const tensors = weights();
    tensors.delete('layer2.0.bn1.running_var');
    expect(() => checkWeights(network, tensors, 'w.th')).toThrow(
      /w\.th is not a resnet20: it has no tensor "layer2\.0\.bn1\.running_var"/,
    );
  });

  test('names a misshapen tensor with both shapes', () => {
    const tensors = initializeWeights(createNetwork('resnet20', { classes: 100 }), 1);
    expect(() => checkWeights(network, tensors)).toThrow(
      /"linear\.weight" has shape \[100, 64\] instead of \[10, 64\]/,
    );
  });

  test('names a tensor of a deeper network', () => {
    const tensors = initializeWeights(createNetwork('resnet32'), 1);
    expect(() => checkWeights(network, tensors)).toThrow(
      /it has the tensor "layer1\.3\.conv1\.weight"/,
    );
  });
});
