// What chapter 7 keeps in the address.

import { flag, listOf, number, oneOf, text } from '../../shared/address.ts';
import { addressState } from '../../shared/router.svelte.ts';
import { shownField } from './entries.ts';
import { MEASURES } from './epoch-curves.ts';

export const view = addressState('table', {
  /** Names of the lines whose runs are listed. */
  open: listOf(text()),
  show: shownField,
  measure: oneOf(MEASURES, 'test'),
  smooth: number(0, { min: 0, max: 0.99 }),
  logx: flag(),
  logy: flag(),
});
