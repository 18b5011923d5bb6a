// Muon's step: a workgroup makes one filter bank's momentum orthogonal and changes its weights; SGD
// updates all else. The iteration is done on square matrices alone, and the bank is multiplied once,
// by their product: see the same operation of the CPU, which has the formulas.
//
// A workgroup keeps its matrices in its own part of a storage buffer, because a square of 64 × 64 fills
// the whole workgroup memory that WebGPU promises. In half precision a step whose gradients overflowed
// changes nothing (loss-scale.ts).

import {
  type Muon,
  matrixShape,
  ORTHOGONAL_COEFFICIENTS,
  ORTHOGONAL_STEPS,
  otherRanges,
  SMALLEST_NORM,
} from '../../operations/muon.ts';
import type { ConvolutionGeometry } from '../../operations/operands.ts';
import type { CompileContext } from '../context.ts';
import { findOverflow, overflowed, updateLossScale } from '../loss-scale.ts';
import { float } from '../reduce.ts';
import { inTables, updateRanges } from './sgd.ts';

const THREADS = 256;
/** Square matrices of a bank in its part of the scratch. */
const SQUARES = 5;

export function muon(context: CompileContext, operation: Muon): void {
  const { elements } = context.program.buffers[context.program.named.parameters]!;
  findOverflow(context, operation);
  for (const matrices of inTables(operation.matrices)) {
    updateBanks(context, matrices, operation.nesterov);
  }
  updateRanges(context, otherRanges(operation, elements), operation.nesterov, 'rest');
  updateLossScale(context);
}

/** Vectors of a bank's part of the scratch: momentum, change and squares. */
function scratchVectors(conv: ConvolutionGeometry): number {
  const { rows, columns } = matrixShape(conv);
  return (2 * rows * columns + SQUARES * columns ** 2) / 4;
}

function updateBanks(
  context: CompileContext,
  matrices: readonly ConvolutionGeometry[],
  nesterov: boolean,
): void {
  const builder = context.builder();
  let total = 0;
  const bank = builder.table(
    matrices.map((conv) => {
      const { rows, columns } = matrixShape(conv);
      const place = total;
      total += scratchVectors(conv);
      return [conv.weight / 4, rows, columns / 4, place];
    }),
  );
  const weights = builder.array('weights', context.flat('parameters'), 'read_write', 'vec4f');
  const gradients = builder.array('gradients', context.flat('gradients'), 'read', 'vec4f');
  const velocity = builder.array('velocity', context.flat('momentum'), 'read_write', 'vec4f');
  const scratch = builder.array('scratch', context.scratch(4 * total), 'read_write', 'vec4f');
  const step = builder.step();
  const [a, b, c] = ORTHOGONAL_COEFFICIENTS;
  const square = (i: number) => `(squares + ${i}u * size)`;
  context.add(builder, {
    part: 'filters',
    threads: THREADS,
    declarations: matrixFunctions(scratch),
    body: `
        ${builder.isScaled ? `if (${overflowed(builder)}) { return; }` : ''}
        let place = ${bank('group.x')};
        let offset = place.x;
        let rows = place.y;
        let quads = place.z;
        let ahead = place.w;
        let length = rows * quads;
        let change = ahead + length;
        let squares = change + length;
        let size = 4u * quads * quads;
        for (var i = tid; i < length; i += ${THREADS}u) {
          let g = ${gradients}[offset + i];
          let v = ${step}.momentum * ${velocity}[offset + i] + g;
          ${velocity}[offset + i] = v;
          ${scratch}[ahead + i] = ${nesterov ? `g + ${step}.momentum * v` : 'v'};
        }
        storageBarrier();
        gram(ahead, ${square(0)}, rows, quads, tid);
        storageBarrier();
        var squaredNorm = 0.0;
        for (var i = 0u; i < 4u * quads; i++) {
          squaredNorm += ${scratch}[${square(0)} + i * quads + i / 4u][i % 4u];
        }
        let inverse = 1.0 / max(${SMALLEST_NORM}, sqrt(squaredNorm));
        storageBarrier();
        for (var i = tid; i < size; i += ${THREADS}u) {
          ${scratch}[${square(0)} + i] *= inverse * inverse;
        }
        storageBarrier();
        // Places of the squares: A, A², Q, P, and the next P.
        var product = ${square(3)};
        var next = ${square(4)};
        for (var n = 0u; n < ${builder.bound(ORTHOGONAL_STEPS)}; n++) {
          multiply(${square(0)}, ${square(0)}, ${square(1)}, 4u * quads, quads, tid);
          storageBarrier();
          for (var i = tid; i < size; i += ${THREADS}u) {
            let row = i / quads;
            let quad = i % quads;
            var q = ${float(b)} * ${scratch}[${square(0)} + i] + ${float(c)} * ${scratch}[${square(1)} + i];
            if (row / 4u == quad) { q[row % 4u] += ${float(a)}; }
            ${scratch}[${square(2)} + i] = q;
            if (n == 0u) { ${scratch}[product + i] = q; }
          }
          storageBarrier();
          if (n > 0u) {
            multiply(product, ${square(2)}, next, 4u * quads, quads, tid);
            let other = product;
            product = next;
            next = other;
          }
          if (n + 1u < ${ORTHOGONAL_STEPS}u) {
            multiply(${square(0)}, ${square(2)}, ${square(1)}, 4u * quads, quads, tid);
            storageBarrier();
            multiply(${square(1)}, ${square(2)}, ${square(0)}, 4u * quads, quads, tid);
          }
          storageBarrier();
        }
        multiply(ahead, product, change, rows, quads, tid);
        storageBarrier();
        let keep = 1.0 - ${step}.muonLearningRate * ${step}.muonWeightDecay;
        let scale = sqrt(max(1.0, 4.0 * f32(quads) / f32(rows)));
        let rate = ${step}.muonLearningRate * scale * inverse;
        for (var i = tid; i < length; i += ${THREADS}u) {
          ${weights}[offset + i] = keep * ${weights}[offset + i] - rate * ${scratch}[change + i];
        }`,
    workgroups: () => [matrices.length, 1],
    updatesWeights: true,
  });
}

/** Products of matrices in the scratch, whose threads take tiles of 4 × 4; places in vectors. */
function matrixFunctions(scratch: string): string {
  const each = (code: (i: number) => string) => [0, 1, 2, 3].map(code).join('\n');
  const lane = (i: number) => 'xyzw'[i];
  return `
    // result [4·quads][4·quads] = xᵀ·x, x [rows][4·quads].
    fn gram(x: u32, result: u32, rows: u32, quads: u32, tid: u32) {
      for (var t = tid; t < quads * quads; t += ${THREADS}u) {
        ${each((i) => `var sum${i} = vec4f();`)}
        for (var k = 0u; k < rows; k++) {
          let left = ${scratch}[x + k * quads + t / quads];
          let right = ${scratch}[x + k * quads + t % quads];
          ${each((i) => `sum${i} += left.${lane(i)} * right;`)}
        }
        let at = result + 4u * (t / quads) * quads + t % quads;
        ${each((i) => `${scratch}[at + ${i}u * quads] = sum${i};`)}
      }
    }
    // result [rows][4·quads] = left [rows][4·quads] · right [4·quads][4·quads].
    fn multiply(left: u32, right: u32, result: u32, rows: u32, quads: u32, tid: u32) {
      for (var t = tid; t < (rows + 3u) / 4u * quads; t += ${THREADS}u) {
        let row = 4u * (t / quads);
        let quad = t % quads;
        ${each((i) => `let row${i} = min(row + ${i}u, rows - 1u);`)}
        ${each((i) => `var sum${i} = vec4f();`)}
        for (var k = 0u; k < quads; k++) {
          ${each((i) => `let right${i} = ${scratch}[right + (4u * k + ${i}u) * quads + quad];`)}
          ${each(
            (i) => `let left${i} = ${scratch}[left + row${i} * quads + k];
          sum${i} += left${i}.x * right0 + left${i}.y * right1 + left${i}.z * right2 + left${i}.w * right3;`,
          )}
        }
        ${each((i) => `if (row + ${i}u < rows) { ${scratch}[result + (row + ${i}u) * quads + quad] = sum${i}; }`)}
      }
    }`;
}
