import { expect, test } from 'vitest';
import { runCost, speedOf, wallSeconds } from '../../src/experiment/cost.ts';
import { resolveConfig } from '../../src/experiment/recipes.ts';

const CIFAR10 = { trainImages: 50_000, evaluatedImages: 10_000 };
const notebook = resolveConfig({ arch: 'resnet20', overrides: { saveEvery: 0 } });

test('200 epochs of ResNet-20: three forward passes a training image, one a test image', () => {
  const { multiplyAdds, iterations } = runCost(notebook, CIFAR10);
  expect(iterations).toBe(200 * 391);
  const images = 200 * (3 * 50_000 + 10_000);
  expect(multiplyAdds / images / 1e6).toBeCloseTo(40.6, 1);
});

test('what is done is not counted again', () => {
  const whole = runCost(notebook, CIFAR10);
  const half = runCost(notebook, CIFAR10, 100 * 391);
  expect(half.multiplyAdds).toBeCloseTo(whole.multiplyAdds / 2, -3);
  expect(runCost(notebook, CIFAR10, 200 * 391).multiplyAdds).toBe(0);
});

test('limited batches cost what they are', () => {
  const trial = resolveConfig({ arch: 'resnet20', overrides: { epochs: 2, limitBatches: 3 } });
  const images = 2 * (3 * 3 * 128 + 3 * 128);
  expect(runCost(trial, CIFAR10).multiplyAdds / images / 1e6).toBeCloseTo(40.6, 1);
});

test('the disk holds last and the one before with their momentum, best, and the metrics', () => {
  const { diskBytes } = runCost(notebook, CIFAR10);
  const weights = 4 * 269_722;
  expect(diskBytes).toBeGreaterThan(5 * weights);
  expect(diskBytes).toBeLessThan(5 * weights + 4e6);
  const kept = resolveConfig({ arch: 'resnet20', overrides: { saveEvery: 10 } });
  expect(runCost(kept, CIFAR10).diskBytes - diskBytes).toBeGreaterThan(20 * weights);
});

test('jobs side by side share the work, the longest one counts', () => {
  expect(wallSeconds([10, 10, 10], 1, 1)).toBe(30);
  expect(wallSeconds([10, 10, 10], 2, 1)).toBe(20);
  expect(wallSeconds([10, 10, 10], 8, 1)).toBe(10);
  expect(wallSeconds([], 2, 1)).toBe(0);
});

test('a measured speed of one network tells the multiply-adds a second', () => {
  const { multiplyAddsPerSecond } = speedOf('resnet20', 1000);
  expect(multiplyAddsPerSecond / 1e9).toBeCloseTo(3 * 40.6, 0);
});
