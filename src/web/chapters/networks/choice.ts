// What the chapter keeps in the address: which network, and which part of it is looked at.

import { createNetwork, type Network } from '../../../nn/network.ts';
import { type Field, oneOf, text } from '../../shared/address.ts';
import { addressState } from '../../shared/router.svelte.ts';

/** The deepest one that is drawn, the paper's deepest. */
export const MOST_BLOCKS = 200;

/** A network's name; one that does not exist, or is deeper than any of the paper, counts as left out. */
const archField: Field<string> = {
  initial: 'resnet20',
  read(name) {
    try {
      const { arch, depth } = createNetwork(name);
      return depth <= 6 * MOST_BLOCKS + 2 ? arch : undefined;
    } catch {
      return undefined;
    }
  },
  write: String,
};

export const choice = addressState('networks', {
  arch: archField,
  shortcut: oneOf(['A', 'B'], 'A'),
  /** A part by its name: `conv1`, `layer2.0`, `linear`. */
  block: text('layer1.0'),
});

export function chosenNetwork(): Network {
  const { arch, shortcut } = choice;
  return createNetwork(arch, arch.startsWith('plain') ? {} : { shortcut });
}
