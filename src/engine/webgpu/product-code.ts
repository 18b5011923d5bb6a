// The WGSL of the tiled product (product.ts): staging of a patch and of the weights, and the sums in
// registers.

import type { KernelBuilder } from './kernel.ts';
import { type Operand, stagePatch } from './operands.ts';
import { type Phase, type Product, productLayout, resultName, resultNames } from './product.ts';
import { type ProductShape, type ProductTile, patchEdge, productVectors } from './tiles.ts';

/** Workgroup memory, which serves sums over the threads afterwards. */
export function productDeclarations({ shape }: Product, tile: ProductTile): string {
  return `var<workgroup> staged: array<vec4f, ${productVectors(shape, tile).all}>;`;
}

/**
 * Statements that compute a thread's results. They define, for what follows: `image`, `tileIndex`,
 * `block`, `tileRow`, `tileColumn` (first pixel of the tile), `laneRow`, `laneColumn` (this thread's first
 * pixel in the tile) and `firstQuad` (its first vector of output channels).
 * @param weights name of an array<vec4f>; `weightOffset`: u32 expression, in vectors
 */
export function productBody(
  builder: KernelBuilder,
  product: Product,
  tile: ProductTile,
  operand: Operand,
  weights: string,
  weightOffset: string,
): string {
  const { shape } = product;
  const { threads, lanes, blocks } = productLayout(product, tile);
  const columnsOfTiles = shape.size / tile.columns;
  const quads = tile.chunk / 4;
  const chunks = Math.ceil(shape.depth / tile.chunk);
  const patchRows = patchEdge(shape, tile.rows);
  const patchColumns = patchEdge(shape, tile.columns);
  const plane = patchRows * patchColumns;
  const sums = Array.from({ length: tile.threadQuads }, (_, quad) =>
    resultNames(product, tile, quad),
  ).flat();
  // A pixel that this workgroup alone covers: its own part of the patch.
  const inside = (axis: string, edge: number) => {
    const span = edge * shape.stride;
    return `${axis} >= ${product.before}u && ${axis} < ${product.before + span}u`;
  };
  const owned = `block == 0u && ${inside('patchRow', tile.rows)} && ${inside('patchColumn', tile.columns)}`;
  const staged = stagePatch(
    builder,
    operand,
    {
      rows: patchRows,
      columns: patchColumns,
      row: `i32(tileRow * ${shape.stride}u) - ${product.before}`,
      column: `i32(tileColumn * ${shape.stride}u) - ${product.before}`,
      image: 'image',
      quads,
      firstQuad: `chunk * ${quads}u`,
    },
    threads,
    `staged[q * ${plane}u + p] = v;`,
    owned,
  );
  return `
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
    ${sums.map((name) => `var ${name} = vec4f();`).join('\n')}
    for (var chunk = 0u; chunk < ${builder.bound(chunks)}; chunk++) {
      ${staged}
      ${
        product.direction === 'forward'
          ? stageWeights(builder, shape, tile, threads, weights, weightOffset)
          : stageTransposedWeights(builder, shape, tile, threads, weights, weightOffset)
      }
      workgroupBarrier();
      for (var q = 0u; q < ${builder.bound(quads)}; q++) {
        ${product.phases.map((phase, f) => phaseSums(builder, product, tile, phase, f)).join('\n')}
      }
      workgroupBarrier();
    }`;
}

/** staged[patch + (tap · chunk + k) · quads + n4] = w[tap][k][n4], zero for channels that are not there. */
function stageWeights(
  builder: KernelBuilder,
  shape: ProductShape,
  tile: ProductTile,
  threads: number,
  weights: string,
  offset: string,
): string {
  const { chunk } = tile;
  const quads = tile.channels / 4;
  const { patch } = productVectors(shape, tile);
  const total = shape.kernel ** 2 * chunk * quads;
  const partial = shape.depth % chunk !== 0;
  return `
    for (var w = tid; w < ${builder.bound(total)}; w += ${threads}u) {
      let k = (w / ${quads}u) % ${chunk}u;
      let tap = w / ${quads * chunk}u;
      let base = ${offset} + (tap * ${shape.depth}u + chunk * ${chunk}u + k) * ${shape.channels / 4}u;
      ${partial ? `if (k >= ${shape.depth}u) { staged[${patch}u + w] = vec4f(); continue; }` : ''}
      staged[${patch}u + w] = ${weights}[base + block * ${quads}u + w % ${quads}u];
    }`;
}

/** The same for wᵀ[tap][k][n4], where memory has w[tap][n][k]: 4 × 4 values are turned at a time. */
function stageTransposedWeights(
  builder: KernelBuilder,
  shape: ProductShape,
  tile: ProductTile,
  threads: number,
  weights: string,
  offset: string,
): string {
  const quads = tile.channels / 4;
  const depthQuads = tile.chunk / 4;
  const { patch } = productVectors(shape, tile);
  const total = shape.kernel ** 2 * depthQuads * quads;
  const row = shape.depth / 4;
  return `
    for (var w = tid; w < ${builder.bound(total)}; w += ${threads}u) {
      let k4 = w % ${depthQuads}u;
      let n4 = (w / ${depthQuads}u) % ${quads}u;
      let tap = w / ${quads * depthQuads}u;
      let n = tap * ${shape.channels}u + 4u * (block * ${quads}u + n4);
      let base = ${offset} + n * ${row}u + chunk * ${depthQuads}u + k4;
      let turned = transpose(mat4x4f(${[0, 1, 2, 3].map((i) => `${weights}[base + ${i * row}u]`).join(', ')}));
      let to = ${patch}u + (tap * ${tile.chunk}u + 4u * k4) * ${quads}u + n4;
      ${[0, 1, 2, 3].map((i) => `staged[to + ${i * quads}u] = turned[${i}];`).join('\n')}
    }`;
}

/** One phase's products with one vector of channels k. */
function phaseSums(
  builder: KernelBuilder,
  product: Product,
  tile: ProductTile,
  phase: Phase,
  f: number,
): string {
  const { shape } = product;
  const { rows, columns } = phase;
  if (rows.count === 0 || columns.count === 0) return '';
  const patchColumns = patchEdge(shape, tile.columns);
  const plane = patchEdge(shape, tile.rows) * patchColumns;
  const { patch } = productVectors(shape, tile);
  const quads = tile.channels / 4;
  const reachOf = (i: number) => rows.reach + i * rows.reachStep;
  const patchRow = (pixel: number, i: number) => pixel * shape.stride + reachOf(i);
  const needed = new Set<number>();
  for (let i = 0; i < rows.count; i++) {
    for (let pixel = 0; pixel < tile.threadPixels; pixel++) needed.add(patchRow(pixel, i));
  }
  const loads = [...needed].map((row) => `let x${row} = staged[base + ${row * patchColumns}u];`);
  const products: string[] = [];
  for (let i = 0; i < rows.count; i++) {
    const tapRow = rows.tap + i * rows.tapStep;
    const lines: string[] = [];
    for (let component = 0; component < 4; component++) {
      for (let quad = 0; quad < tile.threadQuads; quad++) {
        const index = `at + ${component * quads + quad}u`;
        const w = `w${component}_${quad}`;
        lines.push(`let ${w} = staged[${index}];`);
        for (let pixel = 0; pixel < tile.threadPixels; pixel++) {
          const x = `x${patchRow(pixel, i)}.${'xyzw'[component]}`;
          lines.push(`${resultName(f, pixel, quad)} += ${x} * ${w};`);
        }
      }
    }
    products.push(`{
      let at = ${patch}u + ((${tapRow * shape.kernel}u + tapColumn) * ${tile.chunk}u + 4u * q) * ${quads}u + laneQuad;
      ${lines.join('\n')}
    }`);
  }
  const reach =
    columns.reachStep >= 0
      ? `${columns.reach}u + i * ${columns.reachStep}u`
      : `${columns.reach}u - i * ${-columns.reachStep}u`;
  return `
    for (var i = 0u; i < ${builder.bound(columns.count)}; i++) {
      let tapColumn = ${columns.tap}u + i * ${columns.tapStep}u;
      let base = q * ${plane}u + laneRow * ${shape.stride * patchColumns}u + laneColumn * ${shape.stride}u + ${reach};
      ${loads.join('\n')}
      ${products.join('\n')}
    }`;
}
