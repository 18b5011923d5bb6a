// All operations. Each has one file here that describes it (its type, what it reads and writes, what
// it costs, its name in a profile), which descriptions.ts names, and one file in each backend that computes
// it. What asks about any operation asks here; there is no other list of them but each backend's table.

import type { OperationDescription } from './description.ts';
import * as DESCRIPTIONS from './descriptions.ts';
import type { BufferId, NormSpec } from './operands.ts';

type Described<Description> =
  Description extends OperationDescription<infer Operation> ? Operation : never;

/** A step of a program, on all images of a batch. */
export type Operation = Described<(typeof DESCRIPTIONS)[keyof typeof DESCRIPTIONS]>;

export type OperationKind = Operation['kind'];

/** The operation of a kind. */
export type OperationOf<Kind extends OperationKind> = Extract<Operation, { kind: Kind }>;

/** Each under the kind that it describes. */
export const OPERATIONS = DESCRIPTIONS satisfies {
  [Kind in OperationKind]: OperationDescription<OperationOf<Kind>>;
};

/** How a backend carries out each operation, one entry for every kind. */
export type OperationTable<Context, Result = void> = {
  readonly [Kind in OperationKind]: (context: Context, operation: OperationOf<Kind>) => Result;
};

/** Carries out an operation by its entry in a backend's table. */
export function carryOut<Context, Result>(
  table: OperationTable<Context, Result>,
  context: Context,
  operation: Operation,
): Result {
  // The table's type pairs every kind with its operation, which TypeScript cannot follow here.
  const entry = table[operation.kind] as (context: Context, operation: Operation) => Result;
  return entry(context, operation);
}

function descriptionOf(operation: Operation): OperationDescription<Operation> {
  return OPERATIONS[operation.kind] as OperationDescription<Operation>;
}

/** The buffers that an operation reads and writes; the memory plan makes their lives of it. */
export function buffersOf(operation: Operation): BufferId[] {
  const { reads, writes } = descriptionOf(operation);
  return [...new Set([...reads(operation), ...writes(operation)])];
}

/** The buffers of it that stay float32 where feature maps are stored in half precision. */
export function float32BuffersOf(operation: Operation): readonly BufferId[] {
  return descriptionOf(operation).float32?.(operation) ?? [];
}

/** What is known of an operation before it runs. */
export interface OperationFacts {
  /** In a profile: its kind, and the layer where there are several, such as `linear` or `convolution conv1`. */
  readonly name: string;
  /** Of one image, by the layer's definition, whatever algorithm computes it. */
  readonly multiplyAdds: number;
}

/** @param norms the program's */
export function describeOperation(
  operation: Operation,
  norms: readonly NormSpec[],
): OperationFacts {
  const { layer, multiplyAdds } = descriptionOf(operation);
  return {
    name: layer ? `${operation.kind} ${layer(operation, norms)}` : operation.kind,
    multiplyAdds: multiplyAdds?.(operation) ?? 0,
  };
}
