// How the CPU carries out each operation: a file for each, named here. Nothing else in this backend
// knows what operations there are.

import type { Operation, OperationKind, OperationOf } from '../../operations/index.ts';
import { convolution } from './convolution.ts';
import { convolutionBackward } from './convolution-backward.ts';
import { convolutionInference } from './convolution-inference.ts';
import { foldNorm } from './fold-norm.ts';
import { globalAveragePool } from './global-average-pool.ts';
import { globalAveragePoolBackward } from './global-average-pool-backward.ts';
import { linear } from './linear.ts';
import { linearBackward } from './linear-backward.ts';
import { normGradient } from './norm-gradient.ts';
import { normStatistics } from './norm-statistics.ts';
import type { WasmOperation } from './operation.ts';
import { sgd } from './sgd.ts';
import { softmaxCrossEntropy } from './softmax-cross-entropy.ts';

const TABLE = {
  convolution,
  convolutionBackward,
  convolutionInference,
  foldNorm,
  globalAveragePool,
  globalAveragePoolBackward,
  linear,
  linearBackward,
  normGradient,
  normStatistics,
  sgd,
  softmaxCrossEntropy,
} satisfies { [Kind in OperationKind]: WasmOperation<OperationOf<Kind>> };

/** The entry of an operation's kind. */
export function wasmOperation(operation: Operation): WasmOperation<Operation> {
  // The table's type pairs every kind with its operation, which TypeScript cannot follow here.
  return TABLE[operation.kind] as WasmOperation<Operation>;
}
