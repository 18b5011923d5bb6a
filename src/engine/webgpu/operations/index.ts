// Each operation as kernels.

import type { OperationTable } from '../../operations/index.ts';
import type { CompileContext } from '../context.ts';
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
import { sgd } from './sgd.ts';
import { softmaxCrossEntropy } from './softmax-cross-entropy.ts';

/** How each operation becomes kernels, which it adds to the context. */
export const WEBGPU_OPERATIONS = {
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
} satisfies OperationTable<CompileContext>;
