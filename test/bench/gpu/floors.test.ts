// Kernels gathered by what they compute, beside their floors.

import { expect, it } from 'vitest';
import { groupOperations } from '../../../bench/gpu/floors.ts';
import type { KernelTiming } from '../../../src/engine/webgpu/timing.ts';

const CEILINGS = { gflops: 1000, copies: [{ bytes: 1e9, gigabytesPerSecond: 100 }] };

const kernel = (
  name: string,
  milliseconds: number,
  rest: Partial<KernelTiming> = {},
): KernelTiming => ({ name, milliseconds, multiplyAdds: 0, bytes: 0, ...rest });

it('adds up layers of one shape, the slowest group first', () => {
  const shape = { tileKey: 'forward 16-16', multiplyAdds: 1e9, bytes: 1e6 };
  const groups = groupOperations(
    [
      kernel('normStatistics layer1.0.bn1', 0.5),
      kernel('convolution layer1.0.conv1', 3, shape),
      kernel('convolution layer1.0.conv2', 5, shape),
      kernel('normStatistics layer1.0.bn2', 0.25),
    ],
    CEILINGS,
    100,
  );
  expect(groups).toEqual([
    {
      operation: 'forward 16-16',
      kernels: 2,
      milliseconds: 8,
      multiplyAdds: 2e9,
      bytes: 2e6,
      floorMilliseconds: 4,
      bound: 'arithmetic',
    },
    expect.objectContaining({ operation: 'normStatistics', kernels: 2, milliseconds: 0.75 }),
  ]);
});

it('keeps the sums of partial weight gradients apart from the products', () => {
  const tileKey = 'weightGradient 16-16';
  const groups = groupOperations(
    [
      kernel('convolutionBackward layer1.0.conv1 weight', 2, { tileKey }),
      kernel('convolutionBackward layer1.0.conv1 weight sum', 1, { tileKey }),
    ],
    CEILINGS,
    100,
  );
  expect(groups.map(({ operation }) => operation)).toEqual([tileKey, `${tileKey}, sum`]);
});

it('knows that SGD moves every parameter five times', () => {
  const [sgd] = groupOperations([kernel('sgd', 1)], CEILINGS, 5e6);
  expect(sgd).toMatchObject({ bytes: 1e8, floorMilliseconds: 1, bound: 'bytes' });
});

it('has no floors without ceilings', () => {
  const [group] = groupOperations([kernel('linear', 1, { bytes: 10 })], undefined, 100);
  expect(group).not.toHaveProperty('bound');
  expect(group!.floorMilliseconds).toBeUndefined();
});
