// What a reader has set in this chapter, as it stands in the address.

import { oneOf, text } from '../../shared/address.ts';
import { addressState } from '../../shared/router.svelte.ts';

export const WAYS = ['page', 'run', 'file', 'served'] as const;

export const state = addressState('test', {
  /** '' until one is chosen: the first that there is. */
  way: oneOf(['', ...WAYS], ''),
  /** A run of this tab, and which of its checkpoints. */
  run: text(),
  checkpoint: text('last'),
  split: oneOf(['test', 'train'], 'test'),
});
