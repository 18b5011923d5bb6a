// A network in few words.

import type { Network } from '../../nn/network.ts';

/** What follows a network's name where its shortcuts are not those of the name alone: `, shortcut B`. */
export function shortcutText({ shortcut }: Pick<Network, 'shortcut'>): string {
  return shortcut === 'B' || shortcut === 'A-end' ? `, shortcut ${shortcut}` : '';
}
