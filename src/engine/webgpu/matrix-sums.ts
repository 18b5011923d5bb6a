// Sums of a tiled product on tensor cores: each subgroup multiplies matrices of m pixels × k channels with k ×
// n weights, for all taps, and keeps its sums in its registers. Only the workgroup's memory connects
// matrices with threads, so the sums pass through it once they are complete, and each thread takes the
// pixels and channels that it finishes.
//
// Where a device has matrices with half-precision sums only, they are emptied after each chunk and added
// up by the threads in float32.

import type { KernelBuilder } from './kernel.ts';
import { type MatrixCode, matrixCode } from './matrix.ts';
import { type ProductPlaces, productPlaces } from './matrix-tiles.ts';
import { type Phase, type Product, reachOf, resultName } from './product.ts';
import { exchangeArray } from './reduce.ts';
import type { Sums } from './sums.ts';
import { EXCHANGED, type ProductTile, productThreads } from './tiles.ts';

export function matrixSums(builder: KernelBuilder, product: Product, tile: ProductTile): Sums {
  const { shape, phases } = product;
  const { unit, pixelGroups, pixels, channels } = tile.matrices!;
  const { m, n, k } = unit;
  const places = productPlaces(shape, tile);
  const { inRows, patchRow, patchPitch, weightPitch, resultPitch } = places;
  const isHalf = unit.result === 'f16';
  const names = phases.flatMap((phase, f) => (isEmpty(phase) ? [] : sumNames(tile, f).flat()));
  const code = matrixCode(builder, unit, {
    ...places,
    sums: names.length,
    products: shape.kernel * pixels * channels,
  });
  const clear = isHalf ? names.map((name) => code.clear(name)).join('\n') : '';
  const collected = collect(code, product, tile, places, isHalf ? '+=' : '=');
  const add = phases.map((phase, f) => phaseProducts(builder, code, product, tile, phase, f));
  return {
    declarations: `
      ${code.declarations}
      ${isHalf ? `var<workgroup> exchanged: array<vec4f, ${EXCHANGED * productThreads(tile)}>;` : ''}`,
    begin: `
      let firstMatrix = (${code.subgroup} % ${pixelGroups}u) * ${pixels}u;
      let firstChannel = (${code.subgroup} / ${pixelGroups}u) * ${channels * n}u;
      ${
        inRows
          ? `
      let matrixRow = firstMatrix % ${tile.rows}u;
      let matrixColumn = (firstMatrix / ${tile.rows}u) * ${m}u;
      let firstFactor = (matrixRow * ${shape.stride * patchRow}u + matrixColumn * ${shape.stride}u) * ${patchPitch}u;
      let firstResult = (matrixRow * ${tile.columns}u + matrixColumn) * ${resultPitch}u + firstChannel;`
          : `
      let firstFactor = firstMatrix * ${m * shape.stride * patchPitch}u;
      let firstResult = firstMatrix * ${m * resultPitch}u + firstChannel;`
      }
      ${names.map((name) => code.declareSum(name)).join('\n')}`,
    storePatch: code.stage(`p * ${patchPitch}u + 4u * q`, 'v'),
    storeWeights: (row, n4, value) =>
      code.stage(`${places.weights}u + ${row} * ${weightPitch}u + 4u * ${n4}`, value),
    addChunk: `
      ${clear}
      for (var j = 0u; j < ${builder.bound(tile.chunk)}; j += ${k}u) {
        ${add.join('\n')}
      }
      ${isHalf ? collected : ''}`,
    finish: isHalf ? '' : collected,
    exchange: isHalf
      ? exchangeArray('exchanged')
      : {
          load: (index) => code.result(`4u * (${index})`),
          store: (index, value) => code.storeVector(index, value),
        },
  };
}

function isEmpty({ rows, columns }: Phase): boolean {
  return rows.count === 0 || columns.count === 0;
}

/** Names of a phase's sums, by matrix along the pixels and along the channels. */
function sumNames(tile: ProductTile, f: number): string[][] {
  const { pixels, channels } = tile.matrices!;
  return Array.from({ length: pixels }, (_, i) =>
    Array.from({ length: channels }, (_, c) => `matrix${f}_${i}_${c}`),
  );
}

/** One phase's products with k channels, from channel `j` of the chunk. */
function phaseProducts(
  builder: KernelBuilder,
  code: MatrixCode,
  { shape }: Product,
  tile: ProductTile,
  phase: Phase,
  f: number,
): string {
  if (isEmpty(phase)) return '';
  const { rows, columns } = phase;
  const { unit, pixels, channels } = tile.matrices!;
  const { inRows, patchRow, patchPitch, weights, weightPitch } = productPlaces(shape, tile);
  const names = sumNames(tile, f);
  /** Of the subgroup's matrix `i` for tap row `t`; where matrices lie below one another, many agree. */
  const offset = (i: number, t: number) => {
    const reach = (rows.reach + t * rows.reachStep) * patchRow;
    const pixel = inRows ? i * shape.stride * patchRow : i * unit.m * shape.stride;
    return (pixel + reach) * patchPitch;
  };
  const offsets = new Set<number>();
  const products: string[] = [];
  for (let t = 0; t < rows.count; t++) {
    const tapRow = (rows.tap + t * rows.tapStep) * shape.kernel;
    for (let i = 0; i < pixels; i++) offsets.add(offset(i, t));
    for (let c = 0; c < channels; c++) {
      const at = `${weights}u + ((${tapRow}u + tapColumn) * ${tile.chunk}u + j) * ${weightPitch}u + firstChannel + ${c * unit.n}u`;
      const lines = names.map((row, i) => code.multiply(row[c]!, `x${offset(i, t)}`, 'w'));
      products.push(`{ ${code.loadRight('w', at, weightPitch)} ${lines.join(' ')} }`);
    }
  }
  const loads = [...offsets].map((at) =>
    code.loadLeft(`x${at}`, `first + ${at}u`, shape.stride * patchPitch),
  );
  return `
    for (var i = 0u; i < ${builder.bound(columns.count)}; i++) {
      let tapColumn = ${columns.tap}u + i * ${columns.tapStep}u;
      let first = firstFactor + (${reachOf(columns, 'i')}) * ${patchPitch}u + j;
      ${loads.join('\n')}
      ${products.join('\n')}
      ${code.finish()}
    }`;
}

/** Statements, in uniform control flow, that give the sums to the threads, one phase after the other. */
function collect(
  code: MatrixCode,
  product: Product,
  tile: ProductTile,
  { inRows, resultRow, resultPitch }: ProductPlaces,
  assign: '=' | '+=',
): string {
  const { m, n } = tile.matrices!.unit;
  const pitch = inRows ? tile.columns : m;
  const parts = product.phases.flatMap((phase, f) => {
    if (isEmpty(phase)) return [];
    const stores = sumNames(tile, f).flatMap((row, i) =>
      row.map((name, c) =>
        code.store(name, `firstResult + ${i * pitch * resultPitch + c * n}u`, resultPitch),
      ),
    );
    const takes: string[] = [];
    for (let pixel = 0; pixel < tile.threadPixels; pixel++) {
      for (let quad = 0; quad < tile.threadQuads; quad++) {
        const number = `((laneRow + ${pixel}u) * ${resultRow}u + laneColumn)`;
        const at = `${number} * ${resultPitch}u + 4u * (laneQuad + ${quad}u)`;
        takes.push(`${resultName(f, pixel, quad)} ${assign} ${code.result(at)};`);
      }
    }
    return [[...stores, 'workgroupBarrier();', ...takes].join('\n')];
  });
  return parts.join('\nworkgroupBarrier();\n');
}
