import { expect, test } from 'vitest';
import { crossEntropy, likeliest, rankClasses, rankOf, softmax } from '../../src/train/softmax.ts';

test('probabilities add up to one, also for logits that no exponential can hold', () => {
  const probabilities = softmax([1000, 1001, 999]);
  expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
  expect(probabilities[1]! / probabilities[0]!).toBeCloseTo(Math.E, 9);
});

test('cross-entropy of equal logits is the logarithm of their number', () => {
  expect(crossEntropy([2, 2, 2, 2], 3)).toBeCloseTo(Math.log(4), 12);
});

test('cross-entropy is exact where the probability is zero in float64', () => {
  expect(crossEntropy([0, 2000], 0)).toBe(2000);
});

test('ties go to the lower class', () => {
  expect(likeliest([1, 3, 3, 0])).toBe(1);
  expect([0, 1, 2, 3].map((label) => rankOf([1, 3, 3, 0], label))).toEqual([2, 0, 1, 3]);
  expect(rankClasses([1, 3, 3, 3], 3).map(({ index }) => index)).toEqual([1, 2, 3]);
});

test('more classes than there are is all of them', () => {
  expect(rankClasses([1, 2], 5)).toHaveLength(2);
});
