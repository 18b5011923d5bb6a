// Gradient of a convolution's weight: dw[a, b, c, o] = Σ over images and pixels x[s·i + a, s·j + b, c] · dy[i, j, o],
// a product whose sum runs over all pixels of the batch. Workgroups share it out: each sums some
// strips of rows for a block of c × o and writes a partial result; a second kernel adds the partial
// results in their order.
//
// A thread holds all taps of one c and four o in registers (9 vectors) and walks along the rows of a
// strip: the window of x moves by one column, so a pixel costs one vector of dy and one new column of
// x for nine multiply-adds.

import type { ConvolutionGeometry } from '../../program.ts';
import type { CompileContext, Of } from '../context.ts';
import type { Resource } from '../kernel.ts';
import { activationOperand, gradientOperand, stagePatch } from '../operands.ts';
import { type GradientTile, gradientKey, gradientThreads } from '../tiles.ts';

export function convolutionWeightGradient(
  context: CompileContext,
  operation: Of<'convolutionBackward'>,
): void {
  const { conv } = operation;
  const tile = context.tiles.gradient(conv);
  const { batchSize } = context.program;
  const partialsOf = (count: number) =>
    Math.ceil((count * (conv.outSize / tile.rows)) / tile.stripsPerGroup);
  const weights = conv.kernel ** 2 * conv.inChannels * conv.outChannels;
  const resource = context.scratch(partialsOf(batchSize) * weights);
  partialSums(context, operation, tile, resource, partialsOf);
  addPartials(context, conv, tile, resource);
}

function partialSums(
  context: CompileContext,
  { conv, outputGradient, input }: Of<'convolutionBackward'>,
  tile: GradientTile,
  resource: Resource,
  partialsOf: (count: number) => number,
): void {
  const { kernel, stride, inSize, outSize, inChannels, outChannels } = conv;
  const threads = gradientThreads(tile);
  const builder = context.builder();
  const x = activationOperand(
    builder,
    input,
    { size: inSize, channels: inChannels },
    context.program.named,
  );
  const dy = gradientOperand(builder, outputGradient, { size: outSize, channels: outChannels });
  const partials = builder.array('partials', resource, 'read_write', 'vec4f');
  const step = builder.step();

  const { rows, rowGroups, stripsPerGroup } = tile;
  const before = (kernel - 1) / 2;
  const patchRows = (rows - 1) * stride + kernel;
  const patchColumns = (outSize - 1) * stride + kernel;
  const outQuads = tile.outChannels / 4;
  const blocksIn = Math.ceil(inChannels / tile.inChannels);
  const blocksOut = outChannels / tile.outChannels;
  const strips = outSize / rows;
  const groupThreads = tile.inChannels * outQuads;

  const stagedX = stagePatch(
    builder,
    x,
    {
      rows: patchRows,
      columns: patchColumns,
      row: `i32(firstRow * ${stride}u) - ${before}`,
      column: `-${before}`,
      image: 'image',
      quads: tile.inChannels / 4,
      firstQuad: `blockIn * ${tile.inChannels / 4}u`,
    },
    threads,
    [0, 1, 2, 3].map((i) => `xs[p * ${tile.inChannels}u + 4u * q + ${i}u] = v[${i}];`).join(' '),
    `blockOut == 0u && patchRow >= ${before}u && patchRow < ${before + rows * stride}u`,
  );
  const stagedDy = stagePatch(
    builder,
    dy,
    {
      rows,
      columns: outSize,
      row: 'i32(firstRow)',
      column: '0',
      image: 'image',
      quads: outQuads,
      firstQuad: `blockOut * ${outQuads}u`,
    },
    threads,
    `dys[p * ${outQuads}u + q] = v;`,
    'false',
  );

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
  const partial = inChannels % tile.inChannels !== 0;

  context.kernels.push(
    builder.build({
      label: `convolutionBackward ${conv.name} weight`,
      threads,
      tileKey: gradientKey(conv),
      declarations: `
        var<workgroup> xs: array<f32, ${patchRows * patchColumns * tile.inChannels}>;
        var<workgroup> dys: array<vec4f, ${dySize}>;`,
      body: `
        let blockOut = group.x % ${blocksOut}u;
        let blockIn = group.x / ${blocksOut}u;
        let place = tid % ${groupThreads}u;
        let rowGroup = tid / ${groupThreads}u;
        let c = place % ${tile.inChannels}u;
        let o4 = place / ${tile.inChannels}u;
        ${taps.map((t) => `var sum${t} = vec4f();`).join('\n')}
        let lastStrip = min((group.y + 1u) * ${stripsPerGroup}u, ${step}.count * ${strips}u);
        for (var strip = group.y * ${stripsPerGroup}u; strip < lastStrip; strip++) {
          let image = strip / ${strips}u;
          let firstRow = (strip % ${strips}u) * ${rows}u;
          ${stagedX}
          ${stagedDy}
          workgroupBarrier();
          for (var i = rowGroup; i < ${builder.bound(rows)}; i += ${rowGroups}u) {
            let patchRow = i * ${stride}u;
            ${start}
            for (var j = 0u; j < ${builder.bound(outSize)}; j++) {
              ${advance}
              let d = dys[(i * ${outSize}u + j) * ${outQuads}u + o4];
              ${products}
              ${shift}
            }
          }
          workgroupBarrier();
        }
        ${sumOverGroups}
        let base = blockIn * ${tile.inChannels}u + c;
        if (rowGroup == 0u ${partial ? `&& base < ${inChannels}u` : ''}) {
          ${taps
            .map(
              (t) =>
                `${partials}[((group.y * ${taps.length}u + ${t}u) * ${inChannels}u + base) * ${outChannels / 4}u + blockOut * ${outQuads}u + o4] = sum${t};`,
            )
            .join('\n')}
        }`,
      workgroups: (count) => [blocksIn * blocksOut, partialsOf(count)],
      multiplyAddsPerImage: outSize ** 2 * outChannels * kernel ** 2 * inChannels,
    }),
  );
}

/** 16 vectors of weights × 16 threads that share the partial results. */
function addPartials(
  context: CompileContext,
  conv: ConvolutionGeometry,
  tile: GradientTile,
  resource: Resource,
): void {
  const builder = context.builder();
  const partials = builder.array('partials', resource, 'read', 'vec4f');
  const gradients = builder.array('gradients', context.flat('gradients'), 'read_write', 'vec4f');
  const offset = builder.constant(conv.weight / 4);
  const step = builder.step();
  const total = (conv.kernel ** 2 * conv.inChannels * conv.outChannels) / 4;
  const unscale = builder.lossScale('inverse');
  const [columns, lanes] = [16, 16];
  const strips = conv.outSize / tile.rows;
  context.kernels.push(
    builder.build({
      label: `convolutionBackward ${conv.name} weight sum`,
      threads: columns * lanes,
      tileKey: gradientKey(conv),
      declarations: `var<workgroup> sums: array<vec4f, ${columns * lanes}>;`,
      body: `
        let column = tid % ${columns}u;
        let lane = tid / ${columns}u;
        let w = group.x * ${columns}u + column;
        let parts = (${step}.count * ${strips}u + ${tile.stripsPerGroup - 1}u) / ${tile.stripsPerGroup}u;
        var sum = vec4f();
        if (w < ${total}u) {
          for (var part = lane; part < parts; part += ${lanes}u) {
            sum += ${partials}[part * ${total}u + w];
          }
        }
        sums[tid] = sum;
        workgroupBarrier();
        for (var s = ${builder.bound(lanes / 2)}; s > 0u; s /= 2u) {
          if (lane < s) { sums[tid] += sums[tid + s * ${columns}u]; }
          workgroupBarrier();
        }
        if (lane == 0u && w < ${total}u) { ${gradients}[${offset} + w] = sums[tid] * ${unscale}; }`,
      workgroups: () => [Math.ceil(total / columns), 1],
    }),
  );
}
