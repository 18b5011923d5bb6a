// Products of small matrices, each computed by a subgroup of threads together: what GPUs call tensor or
// matrix cores, and WGSL subgroup matrices. A matrix lives in the registers of a whole subgroup; only
// loading, storing and multiplying it is possible, so operands and results pass through workgroup
// memory (`operands` and `results`, arrays of scalars, as the extension wants them).
//
// The same kernels can be generated with the three primitives written out as loops ("emulated"). That
// is slow and needs no special hardware: it is how their arithmetic is tested where there is none.

import type { KernelBuilder } from './kernel.ts';
import type { MatrixUnit } from './matrix-unit.ts';

/** What a kernel that multiplies matrices is written with. All offsets and strides count scalars. */
export interface MatrixCode {
  /** Types, workgroup memory and functions at module scope. */
  readonly declarations: string;
  /** Number of this thread's subgroup in the workgroup, as a u32 expression. */
  readonly subgroup: string;
  /** Statement: declares a sum, which is zero. */
  declareSum(name: string): string;
  /** Statement: sets a sum to zero. */
  clear(sum: string): string;
  /**
   * Statement: declares an m × k factor read from `operands`.
   * @param transposed its columns, not its rows, are contiguous
   */
  loadLeft(name: string, offset: string, stride: number, transposed?: boolean): string;
  /** Statement: declares a k × n factor; its rows are contiguous. */
  loadRight(name: string, offset: string, stride: number): string;
  /** Statement: adds left · right to a sum, at the latest when the next `finish` is reached. */
  multiply(sum: string, left: string, right: string): string;
  /** Statement, to be written after products. */
  finish(): string;
  /** Statement: writes a sum to `results`. */
  store(sum: string, offset: string, stride: number): string;
  /** Statement: writes a vec4f to `operands`, rounded to their type. */
  stage(offset: string, value: string): string;
  /** vec4f expression: four scalars of `results`. */
  result(offset: string): string;
  /** Statement: writes a vec4f to four scalars of `results`. */
  storeVector(index: string, value: string): string;
}

/** What code for matrices has to be prepared for. */
export interface CodeSize {
  /** Lengths of the arrays, in scalars. */
  readonly operands: number;
  readonly results: number;
  /** How many sums there are, and products before each `finish`. */
  readonly sums: number;
  readonly products: number;
}

/** The primitives for a kernel, which may then multiply by subgroups: its threads are whole ones. */
export function matrixCode(builder: KernelBuilder, unit: MatrixUnit, size: CodeSize): MatrixCode {
  if (unit.element === 'f16' || unit.result === 'f16') builder.enable('f16');
  const primitives = unit.emulated
    ? emulatedPrimitives(builder, unit, size)
    : nativePrimitives(unit);
  if (!unit.emulated) builder.useMatrices(unit);
  return {
    ...primitives,
    declarations: `
      var<workgroup> operands: array<${unit.element}, ${size.operands}>;
      var<workgroup> results: array<${unit.result}, ${size.results}>;
      fn stage(offset: u32, v: vec4f) {
        ${[0, 1, 2, 3].map((i) => `operands[offset + ${i}u] = ${unit.element}(v[${i}]);`).join('\n')}
      }
      fn resultAt(offset: u32) -> vec4f {
        return vec4f(${[0, 1, 2, 3].map((i) => `f32(results[offset + ${i}u])`).join(', ')});
      }
      fn storeVector(index: u32, v: vec4f) {
        ${[0, 1, 2, 3].map((i) => `results[4u * index + ${i}u] = ${unit.result}(v[${i}]);`).join('\n')}
      }
      ${primitives.declarations}`,
    stage: (offset, value) => `stage(${offset}, ${value});`,
    result: (offset) => `resultAt(${offset})`,
    storeVector: (index, value) => `storeVector(${index}, ${value});`,
  };
}

type Primitives = Omit<MatrixCode, 'stage' | 'result' | 'storeVector'>;

function nativePrimitives({ m, n, k, element, result }: MatrixUnit): Primitives {
  // WGSL names columns before rows.
  const left = `subgroup_matrix_left<${element}, ${k}, ${m}>`;
  const right = `subgroup_matrix_right<${element}, ${n}, ${k}>`;
  const order = (transposed: boolean) => (transposed ? 'col_major' : 'row_major');
  return {
    declarations: `alias Sum = subgroup_matrix_result<${result}, ${n}, ${m}>;`,
    subgroup: 'subgroup',
    declareSum: (name) => `var ${name} = Sum();`,
    clear: (sum) => `${sum} = Sum();`,
    loadLeft: (name, offset, stride, transposed = false) =>
      `let ${name} = subgroupMatrixLoad<${left}, ${order(transposed)}>(&operands, ${offset}, ${stride}u);`,
    loadRight: (name, offset, stride) =>
      `let ${name} = subgroupMatrixLoad<${right}, row_major>(&operands, ${offset}, ${stride}u);`,
    multiply: (sum, a, b) => `${sum} = subgroupMatrixMultiplyAccumulate(${a}, ${b}, ${sum});`,
    finish: () => '',
    store: (sum, offset, stride) =>
      `subgroupMatrixStore<row_major>(&results, ${offset}, ${sum}, ${stride}u);`,
  };
}

/**
 * Each thread has one element of every matrix of sums, and factors stay where they are. Products are
 * noted down and computed by one loop, since it is loops that keep a software adapter's compiler busy.
 */
function emulatedPrimitives(
  builder: KernelBuilder,
  { m, n, k, result, subgroupSize }: MatrixUnit,
  { sums, products }: CodeSize,
): Primitives {
  if (subgroupSize !== m * n) throw new Error(`${m} × ${n} emulated by ${subgroupSize} threads`);
  const names: string[] = [];
  const numberOf = (sum: string) => {
    if (!names.includes(sum)) names.push(sum);
    return names.indexOf(sum);
  };
  const sumAt = (sum: string) => `sums[${numberOf(sum)}]`;
  let waiting = 0;
  return {
    declarations: `
      struct Factor { offset: u32, row: u32, column: u32 }
      struct Product { sum: u32, left: Factor, right: Factor }
      var<private> sums: array<${result}, ${sums}>;
      var<private> pending: array<Product, ${products}>;
      fn multiply(count: u32, tid: u32) {
        let row = tid % ${subgroupSize}u / ${n}u;
        let column = tid % ${n}u;
        for (var p = 0u; p < count; p++) {
          let left = pending[p].left;
          let right = pending[p].right;
          let leftRow = left.offset + row * left.row;
          let rightColumn = right.offset + column * right.column;
          var sum = sums[pending[p].sum];
          for (var j = 0u; j < ${builder.bound(k)}; j++) {
            let a = operands[leftRow + j * left.column];
            let b = operands[rightColumn + j * right.row];
            sum += ${result}(a) * ${result}(b);
          }
          sums[pending[p].sum] = sum;
        }
      }`,
    subgroup: `(tid / ${subgroupSize}u)`,
    declareSum: () => '',
    clear: (sum) => `${sumAt(sum)} = ${result}();`,
    loadLeft: (name, offset, stride, transposed = false) =>
      `let ${name} = Factor(${offset}, ${transposed ? `1u, ${stride}u` : `${stride}u, 1u`});`,
    loadRight: (name, offset, stride) => `let ${name} = Factor(${offset}, ${stride}u, 1u);`,
    multiply(sum, a, b) {
      return `pending[${waiting++}] = Product(${numberOf(sum)}u, ${a}, ${b});`;
    },
    finish() {
      const count = waiting;
      waiting = 0;
      return `multiply(${builder.bound(count)}, tid);`;
    },
    store: (sum, offset, stride) =>
      `results[${offset} + (tid % ${subgroupSize}u / ${n}u) * ${stride}u + tid % ${n}u] = ${sumAt(sum)};`,
  };
}
