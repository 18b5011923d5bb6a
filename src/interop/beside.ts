// What stands in the same dictionary as a network and is not part of it: counters, the state of metrics, the
// weights of a loss; and sometimes the mean and the deviation that the images are to be normalised with.

import { elementCount } from '../util/tensor.ts';
import type { StoredTensor } from './stored.ts';

/** The names that programs give to what they measure, and to their losses. */
const MEASURED =
  /(^|[._/])(\w*metrics?|\w*acc(uracy)?\d*|top_?\d|confmat|confusion\w*|criterion|\w*loss\w*|auroc|f1\w*|precision\w*|recall\w*|\w*meter\w*|epochs?|(global_)?step|iter(ation)?s?|best\w*|prec1)([._/]|$)/i;

/** Whether a tensor changes nothing of what a network answers: a count, or a part of a metric. */
export function isInert({ name, shape, dtype }: StoredTensor): boolean {
  if (/^(BOOL|[IU]\d+)$/.test(dtype)) return true;
  return shape.length <= 1 && MEASURED.test(name);
}

export interface StatedNormalization {
  /** In units of pixel / 255. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** The tensors that say it. */
  readonly from: readonly StoredTensor[];
}

const MEAN = /(^|[._/])((pixel|image|norm)_?)?(mean|mu)$/i;
const DEVIATION = /(^|[._/])((pixel|image|norm)_?)?(std|sigma|deviation)$/i;

/** The first pair of tensors of three values that are called mean and deviation. */
export function statedNormalization(
  tensors: readonly StoredTensor[],
): StatedNormalization | undefined {
  const three = tensors.filter(({ shape }) => elementCount(shape) === 3);
  const mean = three.find(({ name }) => MEAN.test(name));
  const beginning = mean?.name.replace(MEAN, '');
  const deviation = three.find(
    ({ name }) => DEVIATION.test(name) && name.replace(DEVIATION, '') === beginning,
  );
  if (mean === undefined || deviation === undefined) return undefined;
  const [means, deviations] = [Array.from(mean.read()), Array.from(deviation.read())];
  if (!deviations.every((value) => value > 0) || !means.every(Number.isFinite)) return undefined;
  // Programs that leave pixels at 0 to 255 have numbers of that size.
  const scale = Math.max(...means, ...deviations) > 2 ? 255 : 1;
  const scaled = (values: readonly number[]) => values.map((value) => value / scale);
  return { mean: scaled(means), deviation: scaled(deviations), from: [mean, deviation] };
}
