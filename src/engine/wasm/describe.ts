// Names and sizes of operations, for profiles.

import type { OperationTiming } from '../backend.ts';
import { buffersOf, describeOperation } from '../operations/index.ts';
import { bufferBytes } from '../plan.ts';
import type { Operation, Program } from '../program.ts';
import { bufferSpec } from './executor/context.ts';

/** Name, multiply-adds (of the direct algorithm) and bytes of an operation on `count` images. */
export function sizeOfOperation(
  program: Program,
  operation: Operation,
  count: number,
): Omit<OperationTiming, 'milliseconds'> {
  const { name, multiplyAdds } = describeOperation(operation, program.norms);
  const bytes = buffersOf(operation)
    .map((id) => bufferSpec(program, id))
    .filter(({ perImage }) => perImage > 0)
    .reduce((sum, buffer) => sum + (count / program.batchSize) * bufferBytes(buffer), 0);
  return { name, multiplyAdds: count * multiplyAdds, bytes };
}
