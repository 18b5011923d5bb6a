// Muon in the plainest way: Newton-Schulz steps on the whole matrix, as its authors write them, with
// PyTorch's decoupled weight decay. The matrix is kept transposed, [kh·kw·in][out]; so are the steps.

import {
  type Muon,
  matrixShape,
  ORTHOGONAL_COEFFICIENTS,
  ORTHOGONAL_STEPS,
  otherRanges,
  rateScale,
  SMALLEST_NORM,
} from '../../operations/muon.ts';
import { namedOf, type ReferenceState } from '../state.ts';
import { updateRange } from './sgd.ts';

export function muon(state: ReferenceState, operation: Muon): void {
  const settings = state.batch.sgd;
  if (!settings) return;
  const { momentum, muon: own } = settings;
  if (!own) throw new Error('a step of Muon without its rate');
  const weights = namedOf(state, 'parameters');
  const gradients = namedOf(state, 'gradients');
  const velocity = namedOf(state, 'momentum');
  for (const conv of operation.matrices) {
    const { rows, columns } = matrixShape(conv);
    const ahead = new Float64Array(rows * columns);
    for (let i = 0; i < ahead.length; i++) {
      const at = conv.weight + i;
      velocity[at] = momentum * velocity[at]! + gradients[at]!;
      ahead[i] = operation.nesterov ? gradients[at]! + momentum * velocity[at]! : velocity[at]!;
    }
    const update = orthogonal(ahead, rows, columns);
    const rate = own.learningRate * rateScale(conv);
    for (let i = 0; i < update.length; i++) {
      const at = conv.weight + i;
      weights[at] = weights[at]! * (1 - own.learningRate * own.weightDecay) - rate * update[i]!;
    }
  }
  for (const range of otherRanges(operation, weights.length)) {
    updateRange(state, settings, range, operation.nesterov);
  }
}

/** A matrix [rows][columns] with nearly the same singular vectors and singular values near 1. */
export function orthogonal(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const norm = Math.max(SMALLEST_NORM, Math.hypot(...matrix));
  let x: Float64Array = matrix.map((value) => value / norm);
  const [a, b, c] = ORTHOGONAL_COEFFICIENTS;
  for (let step = 0; step < ORTHOGONAL_STEPS; step++) {
    const gram = product(transposed(x, rows, columns), x, columns, rows, columns);
    const square = product(gram, gram, columns, columns, columns);
    const inner = gram.map((value, i) => b * value + c * square[i]!);
    const change = product(x, inner, rows, columns, columns);
    x = x.map((value, i) => a * value + change[i]!);
  }
  return x;
}

function transposed(x: Float64Array, rows: number, columns: number): Float64Array {
  return x.map((_, i) => x[(i % rows) * columns + Math.floor(i / rows)]!);
}

/** x [rows][inner] times y [inner][columns]. */
function product(
  x: Float64Array,
  y: Float64Array,
  rows: number,
  inner: number,
  columns: number,
): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < inner; k++) {
      const value = x[r * inner + k]!;
      for (let o = 0; o < columns; o++) result[r * columns + o]! += value * y[k * columns + o]!;
    }
  }
  return result;
}
