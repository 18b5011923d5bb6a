// The update of the weights by Muon (Jordan et al., "Muon: An optimizer for hidden layers in neural
// networks", 2024): the momentum of each filter bank is made orthogonal before it is subtracted, so that
// all its directions are learned at one speed, not only the few that dominate gradients.

import type { OperationDescription } from './description.ts';
import type { ConvolutionGeometry, ParameterOffset, ParameterRange } from './operands.ts';

/**
 * PyTorch's Muon for the weights of convolutions, each a matrix [out][in·kh·kw], and its SGD for all
 * other parameters from `from` on. With g the gradient and m the momentum,
 *
 *     v = m·v + g,   u = orthogonal(v) or, Nesterov's, orthogonal(g + m·v),
 *     w = w − rate·λ·w − rate·√max(1, out/(in·kh·kw))·u.
 *
 * PyTorch's v is (1 − m) times this one, which `orthogonal` does not see. See `ORTHOGONAL_STEPS`.
 */
export interface Muon {
  readonly kind: 'muon';
  /** Parameters before it are frozen. */
  readonly from: ParameterOffset;
  /** The convolutions behind it, in the order of the parameters. */
  readonly matrices: readonly ConvolutionGeometry[];
  /** Looks a step of the momentum ahead, for filters and all else. */
  readonly nesterov: boolean;
}

export const muon: OperationDescription<Muon> = {
  reads: () => [],
  writes: () => [],
};

/**
 * Steps of the iteration that makes a matrix X, divided by its Frobenius norm, nearly orthogonal: its
 * singular values s become a·s + b·s³ + c·s⁵, again and again, which brings all but the tiniest ones near 1
 * (into 0.7 to 1.2). In matrices
 *
 *     X ← (a + b·XXᵀ + c·(XXᵀ)²)·X.
 *
 * A backend may compute it with polynomials of the small square matrix alone, X·p(XᵀX).
 */
export const ORTHOGONAL_STEPS = 5;
/** a, b and c: the largest slope at zero, for singular values that are small at first. */
export const ORTHOGONAL_COEFFICIENTS = [3.4445, -4.775, 2.0315] as const;
/** A norm is taken for at least this, so that a gradient of zeros stays one. */
export const SMALLEST_NORM = 1e-7;

/** Rows and columns of a convolution's weight as the engine keeps it: [kh·kw·in][out]. */
export function matrixShape({ kernel, inChannels, outChannels }: ConvolutionGeometry) {
  return { rows: kernel ** 2 * inChannels, columns: outChannels };
}

/** What multiplies the rate, so that wide and tall matrices change by like amounts. */
export function rateScale(conv: ConvolutionGeometry): number {
  const { rows, columns } = matrixShape(conv);
  return Math.sqrt(Math.max(1, columns / rows));
}

/** What SGD updates: all that lies from `from` on between the matrices and behind them. */
export function otherRanges({ from, matrices }: Muon, elements: number): ParameterRange[] {
  const ranges: ParameterRange[] = [];
  let begin = from;
  for (const conv of matrices) {
    if (conv.weight > begin) ranges.push({ from: begin, end: conv.weight });
    const { rows, columns } = matrixShape(conv);
    begin = conv.weight + rows * columns;
  }
  if (elements > begin) ranges.push({ from: begin, end: elements });
  return ranges;
}
