// What everyone but a backend has to know of an operation.

import type { BufferId, NormSpec } from './operands.ts';

/** What the memory plan, profiles and floors ask of an operation. */
export interface OperationDescription<Operation> {
  /**
   * Buffers of the program that it reads and writes; one that it changes is in both. Not the flat
   * ones, which live as long as the program. What it reads and writes shares no memory otherwise.
   */
  reads(operation: Operation): readonly BufferId[];
  writes(operation: Operation): readonly BufferId[];
  /** The layer's name, which follows the kind in a profile; absent where there is only one such. */
  layer?(operation: Operation, norms: readonly NormSpec[]): string;
  /** Of these buffers, the ones that stay float32 where feature maps are stored in half precision. */
  float32?(operation: Operation): readonly BufferId[];
  /** Of one image, by the layer's definition; absent where there are next to none. */
  multiplyAdds?(operation: Operation): number;
}
