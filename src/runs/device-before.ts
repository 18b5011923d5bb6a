// On what a run goes on: with the bits of its sessions before, wherever that is possible.

import type { DeviceName } from '../engine/devices.ts';
import type { MultiplyAdd } from '../engine/wasm/kernels/context.ts';
import type { Facts } from './summary.ts';

/**
 * Where a run goes on: where it was last, because only there its bits are those of an uninterrupted
 * run. A run that left the choice open stays on the CPU even if there is a GPU now.
 * @param asked for when the run began
 * @param last name of the backend of its latest session, as environment.json has it
 */
export function deviceBefore(asked: DeviceName, last: unknown): DeviceName {
  switch (last) {
    case 'wasm':
      return 'cpu';
    case 'reference':
      return 'reference';
    case 'webgpu':
      return asked === 'cpu' || asked === 'reference' ? 'webgpu' : asked;
    default:
      return asked;
  }
}

/**
 * What a run that goes on gives the CPU engine: the multiply-add of its first session there. Earlier
 * versions chose it by measuring, and another one would change the last bits of everything.
 */
export function multiplyAddBefore(
  sessions: readonly { readonly backend: Facts }[],
): MultiplyAdd | undefined {
  const first = sessions.find(({ backend }) => backend.name === 'wasm');
  const recorded = first?.backend.multiplyAdd;
  return recorded === 'fused' || recorded === 'separate' ? recorded : undefined;
}
