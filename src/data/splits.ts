// Which of a source's images are trained on and which tested with, from what it has and what was asked for.

import { UserError } from '../util/errors.ts';
import { type Dataset, emptySplit, type Split } from './dataset.ts';
import type { LoadOptions } from './load-options.ts';
import { splitValidation } from './validation.ts';

/** What a source has; which of it is trained on and tested with is decided behind it. */
export interface Whole extends Omit<Dataset, 'train' | 'test'> {
  readonly train?: Split;
  readonly test?: Split;
  /** Of images: whether the classes lie in the folder itself. */
  readonly isUndivided?: boolean;
}

/** Which splits a source has; what they are is of no matter here. */
interface FoundSplits {
  readonly train?: unknown;
  readonly validation?: unknown;
  readonly test?: unknown;
  readonly classes: readonly string[];
  readonly isUndivided?: boolean;
}

/**
 * Checks that a source has what is asked of it, before its images are read.
 * @throws UserError saying what is missing, what was found, and what to do
 */
export function requireSplits(
  source: string,
  { train, validation, test, classes, isUndivided = false }: FoundSplits,
  { validation: asked, forTesting = false }: LoadOptions,
): void {
  if (train === undefined && (!forTesting || asked !== undefined)) {
    const only = test === undefined ? 'a validation' : 'a test';
    throw new UserError(
      `${source} has no training images, only ${only} folder: add a folder train with the same classes.`,
    );
  }
  if (test !== undefined || validation !== undefined || asked !== undefined) return;
  if (isUndivided && forTesting) return;
  const found = isUndivided
    ? `no folders train and test, but those of its classes (${classes.slice(0, 6).join(', ')}${classes.length > 6 ? ' ...' : ''})`
    : 'no test folder';
  throw new UserError(
    `${source} has ${found}: ${isUndivided ? 'divide them' : 'add one'}, or hold images out for validation (a number of them, or a fraction)`,
    { code: 'no-test-images', facts: { source, found, isUndivided } },
  );
}

/**
 * Makes of what there is the splits that were asked for.
 * @throws UserError as `requireSplits` and `splitValidation` do
 */
export function divided(whole: Whole, options: LoadOptions): Dataset {
  requireSplits(whole.source, whole, options);
  const { isUndivided, validation: own, ...rest } = whole;
  const { source, classes, train = emptySplit(0), test } = rest;
  const { validation: asked, seed = 0, onNotice } = options;
  if (asked !== undefined) {
    if (own) {
      const amount = asked < 1 ? `a share of ${asked}` : asked;
      onNotice?.(
        `${source} has ${own.count} validation images of its own, which are not used: ${amount} of the training images are held out, as asked`,
      );
    }
    const parts = splitValidation(train, asked, seed, classes);
    if (test) return { ...rest, test, ...parts };
    onNotice?.(
      `${source} has no test folder: the ${parts.validation.count} held-out images are its test set`,
    );
    return { ...rest, train: parts.train, test: parts.validation };
  }
  if (test) return { ...rest, train, test, ...(own && { validation: own }) };
  if (own) {
    onNotice?.(
      `${source} has no test folder: the ${own.count} images of its validation folder are its test set`,
    );
    return { ...rest, train, test: own };
  }
  onNotice?.(`${source} has no folders train and test: all its ${train.count} images are used`);
  return { ...rest, train, test: train };
}
