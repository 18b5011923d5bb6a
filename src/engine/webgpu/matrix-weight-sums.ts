// Sums of a weight gradient on tensor cores. Each subgroup has a block of m input channels × n output channels
// for every tap, and multiplies, k pixels at a time, xᵀ (channels × pixels) with dy (pixels × channels).
// Row groups take pixels in turn; their sums are added where they pass through workgroup memory to
// the threads that write them.
//
// Where a device has matrices with half-precision sums only, they are emptied after each strip and added
// up by the threads in float32.

import type { ConvolutionGeometry } from '../program.ts';
import type { KernelBuilder } from './kernel.ts';
import { matrixCode } from './matrix.ts';
import { gradientPlaces } from './matrix-tiles.ts';
import { type GradientTile, gradientThreads } from './tiles.ts';
import type { WeightPlace, WeightSums } from './weight-sums.ts';

/** @param write statement that writes a vec4f sum to its place */
export function matrixWeightSums(
  builder: KernelBuilder,
  conv: ConvolutionGeometry,
  tile: GradientTile,
  write: (place: WeightPlace, value: string) => string,
): WeightSums {
  const { kernel, stride, outSize } = conv;
  const { inChannels, outChannels, rowGroups } = tile;
  const { unit } = tile.matrices!;
  const { m, n, k } = unit;
  const places = gradientPlaces(conv, tile);
  const { inRows, xRow, xPitch, dyPitch } = places;
  const code = matrixCode(builder, unit, {
    ...places,
    sums: kernel ** 2,
    products: kernel ** 2,
  });
  const taps = Array.from({ length: kernel * kernel }, (_, tap) => tap);
  const sum = (tap: number) => `matrix${tap}`;
  const tapOffset = (tap: number) => (Math.floor(tap / kernel) * xRow + (tap % kernel)) * xPitch;

  const threads = gradientThreads(tile);
  const outQuads = outChannels / 4;
  const vectors = inChannels * outQuads;
  const each = Array.from({ length: Math.ceil(vectors / threads) }, (_, i) => i);
  const own = (tap: number, i: number) => `sum${tap}_${i}`;
  const isPartial = vectors % threads !== 0;
  const guarded = (i: number, statements: string) =>
    isPartial ? `if (vector${i} < ${vectors}u) { ${statements} }` : statements;
  const groups = Array.from({ length: rowGroups }, (_, g) =>
    code.result(`at + ${g * m * n}u`),
  ).join(' + ');
  /** Statements, in uniform control flow: adds the subgroups' sums to those of the threads. */
  const collect = taps
    .map((tap) => {
      const adds = each.map((i) => guarded(i, `let at = at${i}; ${own(tap, i)} += ${groups};`));
      return `
        ${code.store(sum(tap), `${code.subgroup} * ${m * n}u`, n)}
        workgroupBarrier();
        ${adds.map((add) => `{ ${add} }`).join('\n')}
        workgroupBarrier();`;
    })
    .join('');
  const steps = inRows ? outSize / k : 0;
  const isHalf = unit.result === 'f16';
  return {
    declarations: code.declarations,
    begin: `
      let rowGroup = ${code.subgroup} % ${rowGroups}u;
      let matrix = ${code.subgroup} / ${rowGroups}u;
      let firstIn = (matrix / ${outChannels / n}u) * ${m}u;
      let firstOut = (matrix % ${outChannels / n}u) * ${n}u;
      ${taps.map((tap) => code.declareSum(sum(tap))).join('\n')}
      ${each
        .map(
          (i) => `
      let vector${i} = tid + ${i * threads}u;
      let in${i} = vector${i} / ${outQuads}u;
      let out${i} = vector${i} % ${outQuads}u;
      let block${i} = (in${i} / ${m}u) * ${outChannels / n}u + out${i} / ${n / 4}u;
      let at${i} = block${i} * ${rowGroups * m * n}u + (in${i} % ${m}u) * ${n}u + 4u * (out${i} % ${n / 4}u);
      ${taps.map((tap) => `var ${own(tap, i)} = vec4f();`).join('\n')}`,
        )
        .join('')}`,
    dyColumns: places.dyRow,
    storeX: code.stage(`p * ${xPitch}u + 4u * q`, 'v'),
    storeDy: code.stage(`${places.dy}u + p * ${dyPitch}u + 4u * q`, 'v'),
    addStrip: `
      ${isHalf ? taps.map((tap) => code.clear(sum(tap))).join('\n') : ''}
      for (var s = rowGroup; s < ${builder.bound(places.steps)}; s += ${rowGroups}u) {
        ${
          inRows
            ? `let x = ((s / ${steps}u) * ${stride * xRow}u + (s % ${steps}u) * ${k * stride}u) * ${xPitch}u + firstIn;`
            : `let x = s * ${k * stride * xPitch}u + firstIn;`
        }
        ${code.loadRight('d', `${places.dy}u + s * ${k * dyPitch}u + firstOut`, dyPitch)}
        ${taps
          .map(
            (tap) => `{
          ${code.loadLeft('xt', `x + ${tapOffset(tap)}u`, stride * xPitch)}
          ${code.multiply(sum(tap), 'xt', 'd')}
        }`,
          )
          .join('\n')}
        ${code.finish()}
      }
      ${isHalf ? collect : ''}`,
    finish: `
      ${isHalf ? '' : collect}
      ${each
        .map((i) =>
          guarded(
            i,
            taps
              .map((tap) => write({ tap, inChannel: `in${i}`, outQuad: `out${i}` }, own(tap, i)))
              .join('\n'),
          ),
        )
        .join('\n')}`,
  };
}
