// Holding out part of the training images, as the paper did with 45,000 / 5,000 to find its schedule
// (section 4.2). Every class gives the same share, so that a small hold-out has all of them.

import { UserError } from '../util/errors.ts';
import { permutation, randomStream } from '../util/random.ts';
import { classCounts, type Dataset, type Split, takeImages } from './dataset.ts';

/**
 * Splits off a stratified random sample.
 * @param amount 1 or more: so many images; between 0 and 1: that share
 * @param classes names, for messages and for the number of classes
 * @returns both parts in the order of `split`
 * @throws UserError when nothing is left to train on, or when a class has only one image
 */
export function splitValidation(
  split: Split,
  amount: number,
  seed: number,
  classes: readonly string[],
): { train: Split; validation: Split } {
  const wanted = amount < 1 ? Math.round(amount * split.count) : amount;
  if (!(amount > 0) || !Number.isInteger(wanted) || wanted < 1 || wanted >= split.count) {
    throw new UserError(
      `a validation split of ${amount} is not possible with ${split.count} training images: ` +
        'give a number of images below that, or a fraction between 0 and 1',
    );
  }
  const counts = classCounts(split, classes.length);
  const single = counts.indexOf(1);
  if (single >= 0) {
    throw new UserError(
      `class '${classes[single]}' has a single training image, which cannot be both trained on and ` +
        'held out: add images, or remove the class',
    );
  }
  const quota = shares(counts, wanted);
  const isHeldOut = new Uint8Array(split.count);
  const order = permutation(split.count, randomStream(seed, 'validation'));
  for (const index of order) {
    const label = split.labels[index] as number;
    if ((quota[label] as number) === 0) continue;
    quota[label]!--;
    isHeldOut[index] = 1;
  }
  const indices = Array.from(isHeldOut.keys());
  return {
    train: takeImages(
      split,
      indices.filter((i) => isHeldOut[i] === 0),
    ),
    validation: takeImages(
      split,
      indices.filter((i) => isHeldOut[i] === 1),
    ),
  };
}

/**
 * Divides `total` in proportion to `counts` by largest remainders, ties to the earlier class; no
 * class gives all it has.
 */
function shares(counts: readonly number[], total: number): number[] {
  const sum = counts.reduce((a, b) => a + b, 0);
  const exact = counts.map((count) => (count * total) / sum);
  const quota = exact.map((share, i) => Math.min(Math.floor(share), Math.max(0, counts[i]! - 1)));
  const byRemainder = exact
    .map((share, i) => ({ i, remainder: share - Math.floor(share) }))
    .sort((a, b) => b.remainder - a.remainder || a.i - b.i);
  let missing = total - quota.reduce((a, b) => a + b, 0);
  while (missing > 0) {
    const before = missing;
    for (const { i } of byRemainder) {
      if (missing === 0 || quota[i]! >= counts[i]! - 1) continue;
      quota[i]!++;
      missing--;
    }
    if (missing === before) {
      throw new UserError(
        `a validation split of ${total} images would leave a class without training images: ` +
          'ask for fewer',
      );
    }
  }
  return quota;
}

/**
 * How many images a run holds out, for its configuration. Without test images of its own a data set
 * gives those that were held out as its test set.
 * @param asked a number of images, a fraction of them, or undefined for none
 */
export function heldOutImages(
  { validation, test }: Pick<Dataset, 'validation' | 'test'>,
  asked: number | undefined,
): number {
  return asked === undefined ? 0 : (validation ?? test).count;
}
