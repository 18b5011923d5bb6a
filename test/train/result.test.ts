import { expect, test } from 'vitest';
import { type RunResult, recordEvaluation } from '../../src/train/result.ts';

function record(epochs: { validation?: number; test?: number }[]): RunResult {
  let result: RunResult = {};
  epochs.forEach((errors, epoch) => {
    for (const split of ['validation', 'test'] as const) {
      const error = errors[split];
      if (error !== undefined) result = recordEvaluation(result, split, epoch, error).result;
    }
  });
  return result;
}

test('final, best on test and best on validation are three numbers', () => {
  const result = record([
    { validation: 0.3, test: 0.31 },
    { validation: 0.2, test: 0.25 },
    { validation: 0.22, test: 0.21 },
    { validation: 0.21, test: 0.24 },
  ]);
  expect(result).toEqual({
    final: { epoch: 3, error: 0.24 },
    bestOnTest: { epoch: 2, error: 0.21 },
    bestOnValidation: { epoch: 1, validationError: 0.2, error: 0.25 },
  });
});

test('of equal errors the earlier epoch is the best', () => {
  expect(record([{ test: 0.2 }, { test: 0.2 }]).bestOnTest).toEqual({ epoch: 0, error: 0.2 });
});

test('without test images, validation still finds its best epoch', () => {
  expect(record([{ validation: 0.4 }, { validation: 0.3 }])).toEqual({
    bestOnValidation: { epoch: 1, validationError: 0.3 },
  });
});
