// Networks whose layers are only numbered, without blocks in their names: `conv7` and `bn7`.

import type { Module, Modules } from './modules.ts';
import { withoutKind } from './name-tokens.ts';

/**
 * Batch norms by convolution where names are flat (`conv7`, `bn7`), without blocks: each has its own by its
 * name, and as many channels, which a network that normalises first has not.
 */
export function pairedByName({ convs, norms }: Modules): ReadonlyMap<Module, Module> | undefined {
  if (
    [...convs, ...norms].some(({ path }) => path.includes('.')) ||
    convs.length !== norms.length
  ) {
    return undefined;
  }
  const key = ({ tokens }: Module) => withoutKind(tokens).join('.');
  const byKey = new Map(norms.map((norm) => [key(norm), norm]));
  const pairs = new Map<Module, Module>();
  for (const conv of convs) {
    const norm = byKey.get(key(conv));
    if (norm === undefined || norm.shape[0] !== conv.shape[0]) return undefined;
    pairs.set(conv, norm);
  }
  return new Set(pairs.values()).size === norms.length ? pairs : undefined;
}
