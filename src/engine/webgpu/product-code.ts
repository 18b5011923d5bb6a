// The WGSL of the tiled product (product.ts). For each chunk of channels a workgroup stages a patch of the
// operand and the weights in workgroup memory, and multiplies them in the threads' registers
// (register-sums.ts). Each thread ends with its results in variables, see `resultName`.

import type { ConvolutionGeometry } from '../program.ts';
import type { CompileContext } from './context.ts';
import type { KernelBuilder } from './kernel.ts';
import { type Operand, stagePatch } from './operands.ts';
import { type Product, type ProductLayout, productLayout, resultNames } from './product.ts';
import { type RegisterSums, registerSums } from './register-sums.ts';
import { type ProductTile, patchEdge, productKey } from './tiles.ts';

interface ProductCode {
  /** Workgroup memory, and what else belongs at module scope. */
  readonly declarations: string;
  /**
   * Statements that compute a thread's results. They define, for what follows: `image`, `tileIndex`,
   * `block`, `tileRow`, `tileColumn` (first pixel of the tile), `lane`, `laneRow`, `laneColumn` (this
   * thread's first pixel in the tile), `laneQuad` and `firstQuad` (its first vector of output
   * channels in the block, and of all).
   */
  readonly body: string;
  /** Name of an array<vec4f> of workgroup memory for sums over the threads. */
  readonly exchange: string;
}

/** A kernel that computes a product: what it is made of, and how much of the result a workgroup computes. */
export interface ProductKernel extends ProductLayout {
  readonly builder: KernelBuilder;
  readonly product: Product;
  readonly tile: ProductTile;
}

/** Begins a kernel that computes a product. */
export function beginProduct(context: CompileContext, product: Product): ProductKernel {
  const tile = context.tiles.product(product.shape, product.direction);
  return { builder: context.builder(), product, tile, ...productLayout(product, tile) };
}

/**
 * Adds a kernel that computes a product.
 * @param results statements that follow, one after another, and do with the results what is to be done
 * @param part as for `CompileContext.add`
 */
export function addProduct(
  context: CompileContext,
  { builder, product, threads, tiles, blocks }: ProductKernel,
  code: ProductCode,
  results: readonly string[],
  part?: { readonly part: string; readonly multiplyAddsPerImage: number },
): void {
  context.add(builder, {
    ...part,
    threads,
    tileKey: productKey(product.shape, product.direction),
    declarations: code.declarations,
    body: ['', code.body, ...results].join('\n        '),
    workgroups: (count) => [tiles * blocks, count],
  });
}

/** The parameters of the network as weights. */
export function networkWeights(
  context: CompileContext,
  { builder }: ProductKernel,
  conv: ConvolutionGeometry,
): Weights {
  const name = builder.array('parameters', context.flat('parameters'), 'read', 'vec4f');
  return { name, offset: builder.constant(conv.weight / 4) };
}

/** Name of an array<vec4f>, and where in it the weights begin: a u32 expression, in vectors. */
interface Weights {
  readonly name: string;
  readonly offset: string;
}

export function productCode(
  kernel: ProductKernel,
  operand: Operand,
  weights: Weights,
): ProductCode {
  const { builder, product, tile, lanes, blocks } = kernel;
  const { shape } = product;
  const columnsOfTiles = shape.size / tile.columns;
  const chunks = Math.ceil(shape.depth / tile.chunk);
  const sums = registerSums(builder, product, tile);
  const results = Array.from({ length: tile.threadQuads }, (_, quad) =>
    resultNames(product, tile, quad),
  ).flat();
  const body = `
    let image = group.y;
    let block = group.x % ${blocks}u;
    let tileIndex = group.x / ${blocks}u;
    let tileRow = (tileIndex / ${columnsOfTiles}u) * ${tile.rows}u;
    let tileColumn = (tileIndex % ${columnsOfTiles}u) * ${tile.columns}u;
    let lane = tid % ${lanes}u;
    let laneColumn = lane % ${tile.columns}u;
    let laneRow = (lane / ${tile.columns}u) * ${tile.threadPixels}u;
    let laneQuad = (tid / ${lanes}u) * ${tile.threadQuads}u;
    let firstQuad = block * ${tile.channels / 4}u + laneQuad;
    ${results.map((name) => `var ${name} = vec4f();`).join('\n')}
    for (var chunk = 0u; chunk < ${builder.bound(chunks)}; chunk++) {
      ${stageOperand(kernel, operand, sums)}
      ${
        product.direction === 'forward'
          ? stageWeights(kernel, weights, sums)
          : stageTransposedWeights(kernel, weights, sums)
      }
      workgroupBarrier();
      ${sums.addChunk}
      workgroupBarrier();
    }`;
  return { declarations: sums.declarations, body, exchange: sums.exchange };
}

function stageOperand(
  { builder, product, tile, threads }: ProductKernel,
  operand: Operand,
  sums: RegisterSums,
): string {
  const { shape, padding } = product;
  const quads = tile.chunk / 4;
  // A pixel that this workgroup alone covers: its own part of the patch.
  const inside = (axis: string, edge: number) =>
    `${axis} >= ${padding}u && ${axis} < ${padding + edge * shape.stride}u`;
  return stagePatch(
    builder,
    operand,
    {
      rows: patchEdge(shape, tile.rows),
      columns: patchEdge(shape, tile.columns),
      row: `i32(tileRow * ${shape.stride}u) - ${padding}`,
      column: `i32(tileColumn * ${shape.stride}u) - ${padding}`,
      image: 'image',
      quads,
      firstQuad: `chunk * ${quads}u`,
    },
    threads,
    sums.storePatch,
    `block == 0u && ${inside('patchRow', tile.rows)} && ${inside('patchColumn', tile.columns)}`,
  );
}

/** w[tap][k][n4], zero for channels that are not there. */
function stageWeights(
  { builder, product, tile, threads }: ProductKernel,
  { name, offset }: Weights,
  sums: RegisterSums,
): string {
  const { shape } = product;
  const { chunk } = tile;
  const quads = tile.channels / 4;
  const isPartial = shape.depth % chunk !== 0;
  return `
    for (var w = tid; w < ${builder.bound(shape.kernel ** 2 * chunk * quads)}; w += ${threads}u) {
      let n4 = w % ${quads}u;
      let row = w / ${quads}u;
      let k = row % ${chunk}u;
      let tap = row / ${chunk}u;
      let base = ${offset} + (tap * ${shape.depth}u + chunk * ${chunk}u + k) * ${shape.channels / 4}u;
      ${isPartial ? `if (k >= ${shape.depth}u) { ${sums.storeWeights('row', 'n4', 'vec4f()')} continue; }` : ''}
      ${sums.storeWeights('row', 'n4', `${name}[base + block * ${quads}u + n4]`)}
    }`;
}

/** The same for wᵀ[tap][k][n4], where memory has w[tap][n][k]: 4 × 4 values are transposed at a time. */
function stageTransposedWeights(
  { builder, product, tile, threads }: ProductKernel,
  { name, offset }: Weights,
  sums: RegisterSums,
): string {
  const { shape } = product;
  const quads = tile.channels / 4;
  const depthQuads = tile.chunk / 4;
  const row = shape.depth / 4;
  const four = [0, 1, 2, 3];
  return `
    for (var w = tid; w < ${builder.bound(shape.kernel ** 2 * depthQuads * quads)}; w += ${threads}u) {
      let k4 = w % ${depthQuads}u;
      let n4 = (w / ${depthQuads}u) % ${quads}u;
      let tap = w / ${quads * depthQuads}u;
      let n = tap * ${shape.channels}u + 4u * (block * ${quads}u + n4);
      let base = ${offset} + n * ${row}u + chunk * ${depthQuads}u + k4;
      let transposed = transpose(mat4x4f(${four.map((i) => `${name}[base + ${i * row}u]`).join(', ')}));
      let row = tap * ${tile.chunk}u + 4u * k4;
      ${four.map((i) => sums.storeWeights(`(row + ${i}u)`, 'n4', `transposed[${i}]`)).join('\n')}
    }`;
}
