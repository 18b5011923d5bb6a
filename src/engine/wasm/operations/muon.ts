// Muon's step: a task makes one filter bank's momentum orthogonal and changes its weights, others are
// slices of all else, which SGD updates.
//
// A bank G [rows][columns] has fewer columns (output channels) than rows, and every step of the
// iteration multiplies it by a polynomial of its small square Gram matrix from the right. So the
// iteration is done on square matrices alone, and G is multiplied once, by the product of all these
// polynomials: two fifths of the arithmetic. With A = GᵀG / ‖G‖² and P = I, five times
//
//     Q = a·I + b·A + c·A²,   P = P·Q,   A = A·Q²;   then U = G·P / ‖G‖.
//
// All of them are polynomials of A, hence symmetric and in any order. The products are those of a 1×1
// convolution on an image of one row: its pixels are the rows of the left matrix.

import {
  type Muon,
  matrixShape,
  ORTHOGONAL_COEFFICIENTS,
  ORTHOGONAL_STEPS,
  otherRanges,
  rateScale,
  SMALLEST_NORM,
} from '../../operations/muon.ts';
import type { ConvolutionGeometry } from '../../operations/operands.ts';
import { bufferSpec, type Context } from '../executor/context.ts';
import { zeroBytes } from '../kernels/bulk-memory.ts';
import { convolution } from '../kernels/convolution.ts';
import { convolutionWeightGradient } from '../kernels/convolution-weight-gradient.ts';
import { muonMomentum, weightedSum } from '../kernels/muon.ts';
import type { WasmOperation } from './operation.ts';
import { updateSlices } from './sgd.ts';

export const muon: WasmOperation<Muon> = {
  contribute(context, operation) {
    const { elements } = bufferSpec(context.program, context.program.named.parameters);
    const memory = scratchOf(context, operation.matrices);
    // The last and largest first, so that no thread begins one when the others are done.
    const banks = operation.matrices
      .map((conv) => updateBank(context, conv, operation.nesterov, memory))
      .reverse();
    const others = otherRanges(operation, elements).flatMap((range) =>
      updateSlices(context, range, operation.nesterov),
    );
    const tasks = [...banks, ...others];
    return {
      alone: {
        // None where the batch came without settings.
        tasks: () => (context.step.settings.sgd ? tasks.length : 0),
        run: (task) => tasks[task]?.(),
      },
    };
  },
};

/** Addresses in a thread's own memory: banks as long as the largest, square matrices as wide. */
interface MuonScratch {
  readonly ahead: number;
  readonly update: number;
  readonly squares: readonly [number, number, number, number, number];
}

/** Rows that the product of a 1×1 convolution may write behind the last one. */
const SPARE_ROWS = 4;

function scratchOf(context: Context, matrices: readonly ConvolutionGeometry[]): MuonScratch {
  const shapes = matrices.map(matrixShape);
  const bank = Math.max(0, ...shapes.map(({ rows, columns }) => (rows + SPARE_ROWS) * columns * 4));
  const square = Math.max(0, ...shapes.map(({ columns }) => columns ** 2 * 4));
  const take = () => context.ownMemory(square);
  return {
    ahead: context.ownMemory(bank),
    update: context.ownMemory(bank),
    squares: [take(), take(), take(), take(), take()],
  };
}

/** A bank's task. */
function updateBank(
  context: Context,
  conv: ConvolutionGeometry,
  nesterov: boolean,
  { ahead, update, squares }: MuonScratch,
): () => void {
  const { rows, columns } = matrixShape(conv);
  const [weights, gradient, velocity] = (['parameters', 'gradients', 'momentum'] as const).map(
    (buffer) => context.flat(buffer) + conv.weight * 4,
  ) as [number, number, number];
  const bytes = rows * columns * 4;
  const momentum = context.kernel(muonMomentum({ nesterov }));
  const multiplyBank = context.kernel(convolution(productShape(rows, columns)));
  const sum = context.kernel(weightedSum());
  const orthogonalize = orthogonalizer(context, rows, columns, squares);
  return () => {
    const settings = context.step.settings.sgd;
    if (!settings?.muon) throw new Error('a step of Muon without its rate');
    const { learningRate, weightDecay } = settings.muon;
    momentum(gradient, velocity, ahead, bytes, settings.momentum);
    const { factor, scale } = orthogonalize(ahead);
    multiplyBank(ahead, factor, update);
    const rate = learningRate * rateScale(conv) * scale;
    sum(weights, update, weights, bytes, 1 - learningRate * weightDecay, -rate);
  };
}

/**
 * Makes of a bank at an address the matrix that it is to be multiplied by from the right, and the number
 * that the product is to be multiplied by.
 */
function orthogonalizer(
  context: Context,
  rows: number,
  columns: number,
  squares: MuonScratch['squares'],
): (bank: number) => { readonly factor: number; readonly scale: number } {
  const bytes = columns ** 2 * 4;
  const zero = context.kernel(zeroBytes());
  const gram = context.kernel(convolutionWeightGradient(productShape(rows, columns)));
  const multiply = context.kernel(convolution(productShape(columns, columns)));
  const sum = context.kernel(weightedSum());
  const { f32 } = context.memory;
  const diagonal = (address: number) => (i: number) => address / 4 + i * (columns + 1);
  const [a, b, c] = ORTHOGONAL_COEFFICIENTS;
  return (bank) => {
    let [matrix, square, polynomial, product, next] = squares;
    zero(matrix, bytes);
    gram(bank, bank, matrix);
    let squaredNorm = 0;
    for (let i = 0; i < columns; i++) squaredNorm += f32[diagonal(matrix)(i)] as number;
    const scale = 1 / Math.max(SMALLEST_NORM, Math.sqrt(squaredNorm));
    sum(matrix, matrix, matrix, bytes, scale * scale, 0);
    for (let step = 0; step < ORTHOGONAL_STEPS; step++) {
      multiply(matrix, matrix, square);
      sum(matrix, square, polynomial, bytes, b, c);
      const at = diagonal(polynomial);
      for (let i = 0; i < columns; i++) f32[at(i)] = (f32[at(i)] as number) + a;
      if (step === 0) {
        [product, polynomial] = [polynomial, product];
      } else {
        multiply(product, polynomial, next);
        [product, next] = [next, product];
      }
      if (step === ORTHOGONAL_STEPS - 1) break;
      const factor = step === 0 ? product : polynomial;
      multiply(matrix, factor, square);
      multiply(square, factor, matrix);
    }
    return { factor: product, scale };
  };
}

/** A matrix [rows][columns] times one [columns][columns], or its transpose times another like it. */
function productShape(rows: number, columns: number) {
  const size = { height: 1, width: rows, inputChannels: columns, outputChannels: columns };
  return { kernel: 1, stride: 1, ...size } as const;
}
