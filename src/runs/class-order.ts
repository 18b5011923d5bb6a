// Puts a model's classes into the order of the images that it is used on, by their names.

import { matchClasses } from '../data/classes.ts';
import type { Dataset } from '../data/dataset.ts';
import { UserError } from '../util/errors.ts';
import type { NamedTensors } from '../util/tensor.ts';
import { knownClasses, type Model } from './model.ts';

export interface Aligned {
  /** The model, whose classes are now those of the images. */
  readonly model: Model;
  /** A sentence for people, where the classes are in another order or may be others. */
  readonly notice?: string;
}

/**
 * Matches a model's classes with those of a data set.
 * @throws UserError when their number differs
 */
export function alignClasses(model: Model, dataset: Pick<Dataset, 'classes' | 'title'>): Aligned {
  const { title, network } = model;
  const { classes } = dataset;
  if (classes.length !== network.classes) {
    throw new UserError(
      `${title} tells ${network.classes} classes apart, and ${dataset.title} has ${classes.length}: give the data that it was trained for.`,
      {
        code: 'other-classes',
        facts: { title, has: network.classes, data: dataset.title, found: classes.length },
      },
    );
  }
  const names = knownClasses(model);
  if (names === undefined) return { model, ...unnamed(title, dataset) };
  const match = matchClasses(names, classes);
  switch (match.kind) {
    case 'same':
      return { model: { ...model, classes } };
    case 'reordered':
      return {
        model: { ...model, classes, weights: reordered(model, match.order) },
        notice: `The classes of ${title} are those of ${dataset.title} in another order, and are matched by name.`,
      };
    case 'different': {
      const { at } = match;
      const whose = model.classes
        ? `class ${at} is "${names[at]}" in the weights`
        : `the weights do not name their classes; class ${at} of CIFAR-10, which published ones have, is "${names[at]}"`;
      return {
        model,
        notice: `Beware: ${whose} and "${classes[at]}" in ${dataset.title}: the answers are right only where the classes mean the same in the same order.`,
      };
    }
    default:
      throw new Error(`unknown match ${match satisfies never}`);
  }
}

/** CIFAR-100 has one order for all programs. */
function unnamed(title: string, dataset: Pick<Dataset, 'title'>): { notice?: string } {
  if (dataset.title.startsWith('CIFAR-100')) return {};
  return {
    notice: `Beware: ${title} does not name its classes: they are taken in the order of those of ${dataset.title}.`,
  };
}

/** The rows of the last layer in another order: row `i` becomes what row `order[i]` was. */
function reordered({ network, weights }: Model, order: readonly number[]): NamedTensors {
  const result: NamedTensors = new Map(weights);
  for (const leaf of ['weight', 'bias']) {
    const name = `${network.classifier.name}.${leaf}`;
    const { shape, data } = weights.get(name) as { shape: readonly number[]; data: Float32Array };
    const row = data.length / order.length;
    const moved = new Float32Array(data.length);
    order.forEach((from, to) => {
      moved.set(data.subarray(from * row, (from + 1) * row), to * row);
    });
    result.set(name, { shape, data: moved });
  }
  return result;
}
