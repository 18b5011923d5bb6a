// How a network is named in the address, and what is asked of the worker for it:
//   untrained:resnet20:1          random weights of a seed
//   untrained:resnet20:1:B        with shortcuts B
//   run:runs/resnet20-seed1       the last checkpoint of a run
//   training:runs/resnet20-seed1  a run as it is at this moment
//   file:resnet20.th              weights that were dropped; an address cannot bring them back

import type { Network } from '../../../nn/network.ts';
import type { ModelSource } from '../../worker/protocol.ts';

export const UNTRAINED = 'untrained:resnet20:1';

/** Undefined for a file, and for what names nothing. */
export function sourceOf(key: string): ModelSource | undefined {
  const [kind, rest] = parted(key);
  switch (kind) {
    case 'untrained': {
      const [, arch, seed, , shortcut] = /^([^:]+):(\d{1,9})(:([AB]))?$/.exec(rest) ?? [];
      if (arch === undefined) return undefined;
      const source = { from: 'random', arch, seed: Number(seed) } as const;
      return shortcut === undefined ? source : { ...source, shortcut: shortcut as 'A' | 'B' };
    }
    case 'run':
      return { from: 'run', run: rest };
    case 'training':
      return { from: 'training', run: rest };
    default:
      return undefined;
  }
}

/** How an untrained network is named; its shortcuts are those of the paper, A, where nothing else is said. */
export function untrained(arch: string, shortcut?: Network['shortcut']): string {
  return `untrained:${arch}:1${shortcut === 'B' ? ':B' : ''}`;
}

/** The folder of a run that a key names; undefined for other keys. */
export function runOf(key: string): string | undefined {
  const [kind, rest] = parted(key);
  return kind === 'run' || kind === 'training' ? rest : undefined;
}

/** Plain for residual and the other way round, untrained. */
export function counterpart(arch: string): string {
  const other = arch.startsWith('plain')
    ? arch.replace('plain', 'resnet')
    : arch.replace('resnet', 'plain');
  return untrained(other);
}

function parted(text: string): [before: string, after: string] {
  const at = text.indexOf(':');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
