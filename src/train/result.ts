// The three numbers of a run. The lowest of 200 evaluations on the test set is what many report; it
// is optimistic, because the test set chose the epoch. The last epoch's error is not, and neither
// is the test error of the epoch that a validation split chose.

import type { EvaluatedSplit, RunResult } from './events.ts';

/**
 * The result after an evaluation. An epoch's validation split is recorded before its test split.
 * @param error top-1 error, a fraction
 */
export function recordEvaluation(
  result: RunResult,
  split: Exclude<EvaluatedSplit, 'train'>,
  epoch: number,
  error: number,
): { result: RunResult; isBest: boolean; best: { epoch: number; error: number } } {
  if (split === 'validation') {
    const before = result.bestOnValidation;
    const isBest = before === undefined || error < before.validationError;
    const bestOnValidation = isBest ? { epoch, validationError: error } : before;
    return {
      result: { ...result, bestOnValidation },
      isBest,
      best: { epoch: bestOnValidation.epoch, error: bestOnValidation.validationError },
    };
  }
  const isBest = result.bestOnTest === undefined || error < result.bestOnTest.error;
  const best = isBest ? { epoch, error } : result.bestOnTest!;
  const chosen = result.bestOnValidation;
  return {
    result: {
      final: { epoch, error },
      bestOnTest: best,
      ...(chosen && { bestOnValidation: chosen.epoch === epoch ? { ...chosen, error } : chosen }),
    },
    isBest,
    best,
  };
}
