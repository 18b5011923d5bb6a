// The kernels of a step, gathered by what they compute, each group beside the time below which it
// cannot be done: its arithmetic at the rate of multiply-adds, or its feature maps at that of copies.

import { z } from 'zod';
import { type Ceilings, floorOf } from '../../src/engine/webgpu/ceilings.ts';
import type { KernelTiming } from '../../src/engine/webgpu/timing.ts';

/** SGD reads weights, gradients and momentum, and writes the first and the last; float32. */
const SGD_BYTES = 5 * 4;

export const operationsSchema = z.array(
  z.object({
    operation: z.string(),
    kernels: z.int(),
    milliseconds: z.number(),
    multiplyAdds: z.number(),
    bytes: z.number(),
    /** Absent where the device's ceilings are not known. */
    floorMilliseconds: z.number().optional(),
    bound: z.enum(['arithmetic', 'bytes']).optional(),
  }),
);
export type OperationGroup = z.infer<typeof operationsSchema>[number];

/**
 * @param parameters number of the network's
 * @returns the groups, the slowest first
 */
export function groupOperations(
  kernels: readonly KernelTiming[],
  ceilings: Ceilings | undefined,
  parameters: number,
): OperationGroup[] {
  const groups = new Map<string, OperationGroup & { arithmeticMilliseconds: number }>();
  for (const kernel of kernels) {
    const operation = operationOf(kernel);
    const bytes = kernel.name === 'sgd' ? SGD_BYTES * parameters : kernel.bytes;
    const floor = ceilings && floorOf({ ...kernel, bytes }, ceilings);
    const before = groups.get(operation);
    const arithmetic = floor?.bound === 'arithmetic' ? floor.milliseconds : 0;
    groups.set(operation, {
      operation,
      kernels: (before?.kernels ?? 0) + 1,
      milliseconds: (before?.milliseconds ?? 0) + kernel.milliseconds,
      multiplyAdds: (before?.multiplyAdds ?? 0) + kernel.multiplyAdds,
      bytes: (before?.bytes ?? 0) + bytes,
      floorMilliseconds: floor && (before?.floorMilliseconds ?? 0) + floor.milliseconds,
      arithmeticMilliseconds: (before?.arithmeticMilliseconds ?? 0) + arithmetic,
    });
  }
  return [...groups.values()]
    .sort((a, b) => b.milliseconds - a.milliseconds)
    .map(({ arithmeticMilliseconds, ...group }) => {
      if (group.floorMilliseconds === undefined) return group;
      const isArithmetic = arithmeticMilliseconds > group.floorMilliseconds / 2;
      return { ...group, bound: isArithmetic ? 'arithmetic' : 'bytes' };
    });
}

/** Shape and direction of a convolution, or what is left of a name without its layer. */
function operationOf({ name, tileKey }: KernelTiming): string {
  // Partial sums of a weight gradient are added up by a kernel of their own.
  if (tileKey) return name.endsWith(' sum') ? `${tileKey}, sum` : tileKey;
  const [kind, ...words] = name.split(' ');
  return [kind, ...words.filter((word) => !/\d/.test(word))].join(' ');
}
