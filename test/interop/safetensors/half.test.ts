// Weights at half their size, read back by the reader that reads everybody's.

import { describe, expect, it } from 'vitest';
import { toHalfTensors } from '../../../src/interop/safetensors/half.ts';
import {
  readSafetensors,
  toNamedTensors,
  writeSafetensors,
} from '../../../src/interop/safetensors/safetensors.ts';
import { initializeWeights } from '../../../src/nn/initialize.ts';
import { createNetwork } from '../../../src/nn/network.ts';

describe('half precision', () => {
  const weights = initializeWeights(createNetwork('resnet20'), 1);
  const bytes = writeSafetensors(toHalfTensors(weights), {});

  it('takes less than 600 kB for ResNet-20', () => {
    expect(bytes.length).toBeLessThan(600_000);
  });

  it('rounds kernels to one part in 2048, and leaves batch norms alone', () => {
    const read = toNamedTensors(readSafetensors(bytes).tensors);
    expect([...read.keys()].sort()).toEqual([...weights.keys()].sort());
    for (const [name, { shape, data }] of weights) {
      const other = read.get(name)!;
      expect(other.shape).toEqual(shape);
      const tolerance = shape.length < 2 ? 0 : 2 ** -11;
      data.forEach((value, i) => {
        const bound = Math.max(tolerance * Math.abs(value), shape.length < 2 ? 0 : 2 ** -25);
        if (Math.abs(other.data[i]! - value) > bound) {
          throw new Error(`${name}[${i}]: ${other.data[i]} for ${value}`);
        }
      });
    }
  });

  it('refuses what it cannot hold', () => {
    const tensors = new Map([['w', { shape: [1, 2], data: Float32Array.of(1, 70_000) }]]);
    expect(() => toHalfTensors(tensors)).toThrow('w has weights beyond 65504');
  });
});
