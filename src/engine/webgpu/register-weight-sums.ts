// Sums of a weight gradient in the threads' registers. A thread holds all taps of one c and four o (9 vectors)
// and walks along the rows of a strip: the window of x moves by one column, so a pixel costs one vector
// of dy and one new column of x for nine multiply-adds.

import type { ConvolutionGeometry } from '../program.ts';
import type { KernelBuilder } from './kernel.ts';
import type { GradientTile } from './tiles.ts';
import type { WeightPlace, WeightSums } from './weight-sums.ts';

/** @param write statement that writes a vec4f sum to its place */
export function registerWeightSums(
  builder: KernelBuilder,
  conv: ConvolutionGeometry,
  tile: GradientTile,
  write: (place: WeightPlace, value: string) => string,
): WeightSums {
  const { kernel, stride, outSize, inChannels } = conv;
  const { rows, rowGroups } = tile;
  const patchRows = (rows - 1) * stride + kernel;
  const patchColumns = (outSize - 1) * stride + kernel;
  const outQuads = tile.outChannels / 4;
  const groupThreads = tile.inChannels * outQuads;

  const taps = Array.from({ length: kernel * kernel }, (_, tap) => tap);
  const window = (a: number, b: number) => `x${a}_${b}`;
  const range = Array.from({ length: kernel }, (_, i) => i);
  const load = (a: number, column: string) =>
    `xs[((patchRow + ${a}u) * ${patchColumns}u + ${column}) * ${tile.inChannels}u + c]`;
  // Before the first pixel the window holds all columns but those that its first step brings.
  const old = range.slice(0, Math.max(0, kernel - stride));
  const fresh = range.slice(old.length);
  const start = range
    .flatMap((a) =>
      range.map((b) => `var ${window(a, b)} = ${b < old.length ? load(a, `${b}u`) : '0.0'};`),
    )
    .join('\n');
  const advance = range
    .flatMap((a) => fresh.map((b) => `${window(a, b)} = ${load(a, `j * ${stride}u + ${b}u`)};`))
    .join('\n');
  const shift = range
    .flatMap((a) => old.map((b) => `${window(a, b)} = ${window(a, b + stride)};`))
    .join('\n');
  const products = taps
    .map((t) => `sum${t} += ${window(Math.floor(t / kernel), t % kernel)} * d;`)
    .join('\n');

  const sumOverGroups =
    rowGroups === 1
      ? ''
      : taps
          .map(
            (t) => `
        if (rowGroup > 0u) { dys[(rowGroup - 1u) * ${groupThreads}u + place] = sum${t}; }
        workgroupBarrier();
        if (rowGroup == 0u) {
          for (var g = 0u; g < ${rowGroups - 1}u; g++) { sum${t} += dys[g * ${groupThreads}u + place]; }
        }
        workgroupBarrier();`,
          )
          .join('');
  const dySize = Math.max(
    rows * outSize * outQuads,
    rowGroups === 1 ? 0 : (rowGroups - 1) * groupThreads,
  );
  const isPartial = inChannels % tile.inChannels !== 0;
  const writes = taps.map((tap) => write({ tap, inChannel: 'c', outQuad: 'o4' }, `sum${tap}`));
  return {
    declarations: `
      var<workgroup> xs: array<f32, ${patchRows * patchColumns * tile.inChannels}>;
      var<workgroup> dys: array<vec4f, ${dySize}>;`,
    begin: `
      let place = tid % ${groupThreads}u;
      let rowGroup = tid / ${groupThreads}u;
      let c = place % ${tile.inChannels}u;
      let o4 = place / ${tile.inChannels}u;
      ${taps.map((t) => `var sum${t} = vec4f();`).join('\n')}`,
    dyColumns: outSize,
    storeX: [0, 1, 2, 3]
      .map((i) => `xs[p * ${tile.inChannels}u + 4u * q + ${i}u] = v[${i}];`)
      .join(' '),
    storeDy: `dys[p * ${outQuads}u + q] = v;`,
    addStrip: `
      for (var i = rowGroup; i < ${builder.bound(rows)}; i += ${rowGroups}u) {
        let patchRow = i * ${stride}u;
        ${start}
        for (var j = 0u; j < ${builder.bound(outSize)}; j++) {
          ${advance}
          let d = dys[(i * ${outSize}u + j) * ${outQuads}u + o4];
          ${products}
          ${shift}
        }
      }`,
    finish: `
      ${sumOverGroups}
      if (rowGroup == 0u${isPartial ? ` && blockIn * ${tile.inChannels}u + c < ${inChannels}u` : ''}) {
        ${writes.join('\n')}
      }`,
  };
}
