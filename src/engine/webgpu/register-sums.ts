// Sums of a tiled product in the threads' registers: each thread has a small tile of pixels × channels. Its
// pixels lie one below the other, so that rows loaded for one tap serve the next, and neighbouring
// threads read neighbouring pixels, which is free of bank conflicts.

import type { KernelBuilder } from './kernel.ts';
import { type Phase, type Product, reachOf, resultName } from './product.ts';
import { EXCHANGED, type ProductTile, patchEdge, productThreads, productVectors } from './tiles.ts';

/** What is done with the staged operands, as pieces of WGSL. */
export interface RegisterSums {
  readonly declarations: string;
  /** Statement that stores `v`, vector `q` of the chunk's channels at pixel `p` of the patch. */
  readonly storePatch: string;
  /** Statement that stores a vec4f of weights: vector `n4` of row `tap · chunk + k`. */
  storeWeights(row: string, n4: string, value: string): string;
  /** Statements between two barriers: adds the products of one chunk to the results' variables. */
  readonly addChunk: string;
  /** Name of an array<vec4f> of workgroup memory for sums over the threads, afterwards. */
  readonly exchange: string;
}

export function registerSums(
  builder: KernelBuilder,
  product: Product,
  tile: ProductTile,
): RegisterSums {
  const { shape } = product;
  const plane = patchEdge(shape, tile.rows) * patchEdge(shape, tile.columns);
  const vectors = productVectors(shape, tile);
  const exchanged = EXCHANGED * productThreads(tile);
  const isHalf = tile.staging === 'f16';
  if (isHalf) builder.enable('f16');
  const store = (index: string, value: string) =>
    `staged[${index}] = ${isHalf ? `vec4h(${value})` : value};`;
  return {
    declarations: isHalf
      ? `var<workgroup> staged: array<vec4h, ${vectors.all}>;
         var<workgroup> exchanged: array<vec4f, ${exchanged}>;`
      : `var<workgroup> staged: array<vec4f, ${Math.max(vectors.all, exchanged)}>;`,
    storePatch: store(`q * ${plane}u + p`, 'v'),
    storeWeights: (row, n4, value) =>
      store(`${vectors.patch}u + ${row} * ${tile.channels / 4}u + ${n4}`, value),
    addChunk: `
      for (var q = 0u; q < ${builder.bound(tile.chunk / 4)}; q++) {
        ${product.phases.map((phase, f) => phaseSums(builder, product, tile, phase, f)).join('\n')}
      }`,
    exchange: isHalf ? 'exchanged' : 'staged',
  };
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
  const staged = (index: string) =>
    tile.staging === 'f16' ? `vec4f(staged[${index}])` : `staged[${index}]`;
  const patchRow = (pixel: number, i: number) =>
    pixel * shape.stride + rows.reach + i * rows.reachStep;
  const needed = new Set<number>();
  for (let i = 0; i < rows.count; i++) {
    for (let pixel = 0; pixel < tile.threadPixels; pixel++) needed.add(patchRow(pixel, i));
  }
  const loads = [...needed].map(
    (row) => `let x${row} = ${staged(`base + ${row * patchColumns}u`)};`,
  );
  const products: string[] = [];
  for (let i = 0; i < rows.count; i++) {
    const tapRow = rows.tap + i * rows.tapStep;
    const lines: string[] = [];
    for (let component = 0; component < 4; component++) {
      for (let quad = 0; quad < tile.threadQuads; quad++) {
        const w = `w${component}_${quad}`;
        lines.push(`let ${w} = ${staged(`at + ${component * quads + quad}u`)};`);
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
  return `
    for (var i = 0u; i < ${builder.bound(columns.count)}; i++) {
      let tapColumn = ${columns.tap}u + i * ${columns.tapStep}u;
      let base = q * ${plane}u + laneRow * ${shape.stride * patchColumns}u + laneColumn * ${shape.stride}u + ${reachOf(columns, 'i')};
      ${loads.join('\n')}
      ${products.join('\n')}
    }`;
}
