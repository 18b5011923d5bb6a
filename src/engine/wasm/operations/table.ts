// The CPU's operations as a table. Nothing else in this backend knows what operations there are.

import type { Operation, OperationKind, OperationOf } from '../../operations/index.ts';
import * as operations from './index.ts';
import type { WasmOperation } from './operation.ts';

const TABLE = operations satisfies { [Kind in OperationKind]: WasmOperation<OperationOf<Kind>> };

/** The entry of an operation's kind. */
export function wasmOperation(operation: Operation): WasmOperation<Operation> {
  // The table's type pairs every kind with its operation, which TypeScript cannot follow here.
  return TABLE[operation.kind] as WasmOperation<Operation>;
}
