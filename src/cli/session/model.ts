// The model that `evaluate`, `predict` and others are pointed at, beside the data it is used on.

import type { Dataset } from '../../data/dataset.ts';
import type { Model } from '../../runs/model.ts';
import { UserError } from '../../util/errors.ts';

export { openModel } from '../../runs/model.node.ts';
export type { Model } from '../../runs/model.ts';

/**
 * Checks that a data set's classes are those of the model.
 * @returns a line for people where they may differ
 * @throws UserError when their number differs
 */
export function checkClasses(model: Model, dataset: Dataset): string | undefined {
  const { classes } = model.network;
  if (dataset.classes.length !== classes) {
    throw new UserError(
      `${model.title} tells ${classes} classes apart, and ${dataset.title} has ${dataset.classes.length}: give the data it was trained for with --data.`,
    );
  }
  const differs = model.classes?.findIndex((name, index) => name !== dataset.classes[index]) ?? -1;
  if (differs < 0) return undefined;
  return `Beware: class ${differs} was "${model.classes?.[differs]}" in training and is "${dataset.classes[differs]}" in ${dataset.title}.`;
}
