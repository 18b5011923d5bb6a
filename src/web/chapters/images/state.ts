// What a reader has set in this chapter, as it stands in the address.

import { number, oneOf, text } from '../../shared/address.ts';
import { isSynthetic } from '../../shared/chosen-data.ts';
import { addressState } from '../../shared/router.svelte.ts';
import type { DataFacts } from '../../worker/protocol.ts';

/** Epochs that the slider goes over: the notebook's. */
export const EPOCHS = 200;

/** Images on one page of the grid: whole rows of 12, 10, 6 and 5. */
export const PAGE = 60;

export const WAYS = ['cifar', 'synthetic', 'folder', 'pictures'] as const;
export type Way = (typeof WAYS)[number];

export const state = addressState('images', {
  /** Where images come from; '' for where the chosen ones do. */
  way: oneOf(['', ...WAYS], ''),
  /** The data set that a link means. */
  data: text(),
  split: oneOf(['train', 'test'], 'train'),
  /** A class; -1 shows some of each. */
  label: number(-1, { min: -1, whole: true }),
  page: number(0, { min: 0, whole: true }),
  /** The chosen image's place in its split. */
  image: number(0, { min: 0, whole: true }),
  seed: number(1, { min: 0, max: 0xffffffff, whole: true }),
  epoch: number(0, { min: 0, max: EPOCHS - 1, whole: true }),
});

/** The way by which a data set came, as far as it tells: that of a reader who has chosen no other. */
export function wayOf(data: DataFacts | undefined): Way {
  if (data === undefined || isSynthetic(data.data)) return 'synthetic';
  return data.title.startsWith('CIFAR-') ? 'cifar' : 'folder';
}
