// What every operation's file has to say.

import type { Operation } from '../../operations/index.ts';
import type { Context } from '../executor/context.ts';
import type { Contribution } from '../executor/schedule-types.ts';

export interface WasmOperation<Of extends Operation> {
  /** What it adds to the schedule; looks up its kernels and addresses, and runs nothing. */
  contribute(context: Context, operation: Of): Contribution;
  /** Bytes of the weight gradient that it leaves for each block of images; absent where there is none. */
  gradientBytes?(operation: Of): number;
}
