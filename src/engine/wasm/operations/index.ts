// How the CPU carries out each operation, by kind: a file for each, named here. Used whole, as a table that
// must name every kind (table.ts).

export { convolution } from './convolution.ts';
export { convolutionBackward } from './convolution-backward.ts';
export { convolutionInference } from './convolution-inference.ts';
export { foldNorm } from './fold-norm.ts';
export { globalAveragePool } from './global-average-pool.ts';
export { globalAveragePoolBackward } from './global-average-pool-backward.ts';
export { linear } from './linear.ts';
export { linearBackward } from './linear-backward.ts';
export { muon } from './muon.ts';
export { normGradient } from './norm-gradient.ts';
export { normStatistics } from './norm-statistics.ts';
export { sgd } from './sgd.ts';
export { softmaxCrossEntropy } from './softmax-cross-entropy.ts';
