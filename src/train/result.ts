// The three numbers of a run. The lowest of 200 evaluations on the test set is what many report; it
// is optimistic, because the test set chose the epoch. The last epoch's error is not, and neither
// is the test error of the epoch that a validation split chose.

import * as z from 'zod/mini';

const epoch = z.int().check(z.minimum(0));

/** A top-1 error, a fraction, with the epoch that it is of. */
const errorOfEpochSchema = z.strictObject({ epoch, error: z.number() });

/**
 * What a run came to. The lowest of many evaluations on the test set is optimistic, so it never
 * stands alone.
 */
export const runResultSchema = z.strictObject({
  /** Test error after the last epoch. */
  final: z.optional(errorOfEpochSchema),
  /** Lowest test error of all epochs. */
  bestOnTest: z.optional(errorOfEpochSchema),
  /**
   * The epoch with the lowest validation error, that error, and the test error of that epoch (absent
   * where there are no test images).
   */
  bestOnValidation: z.optional(
    z.strictObject({ epoch, validationError: z.number(), error: z.optional(z.number()) }),
  ),
});

export type ErrorOfEpoch = Readonly<z.infer<typeof errorOfEpochSchema>>;
export type RunResult = Readonly<z.infer<typeof runResultSchema>>;

/**
 * The result after an evaluation. An epoch's validation split is recorded before its test split.
 * @param error top-1 error, a fraction
 */
export function recordEvaluation(
  result: RunResult,
  split: 'validation' | 'test',
  epoch: number,
  error: number,
): { result: RunResult; isBest: boolean; best: ErrorOfEpoch } {
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
