// Gradient of a convolution's weight: dw[a, b, c, o] = Σ over images and pixels x[s·i + a, s·j + b, c] · dy[i, j, o],
// a product whose sum runs over all pixels of the batch. Workgroups share it out: each sums some
// strips of rows for a block of c × o and writes a partial result; a second kernel adds the partial
// results in their order. A strip of x and of dy is staged in workgroup memory and multiplied there,
// in the threads' registers (register-weight-sums.ts) or on tensor cores (matrix-weight-sums.ts).

import { convolutionMultiplyAdds, convolutionWeights } from '../../nn/multiply-adds.ts';
import type { ConvolutionBackward } from '../operations/convolution-backward.ts';
import { inputShape, outputShape } from '../operations/operands.ts';
import type { ConvolutionGeometry } from '../program.ts';
import type { CompileContext } from './context.ts';
import type { Resource } from './kernel.ts';
import { matrixWeightSums } from './matrix-weight-sums.ts';
import { activationOperand, gradientOperand, stagePatch } from './operands.ts';
import { registerWeightSums } from './register-weight-sums.ts';
import { type GradientTile, gradientKey, gradientThreads } from './tiles.ts';
import type { WeightPlace } from './weight-sums.ts';

export function convolutionWeightGradient(
  context: CompileContext,
  operation: ConvolutionBackward,
): void {
  const { conv } = operation;
  const tile = context.tiles.gradient(conv);
  const { batchSize } = context.program;
  const partialsOf = (count: number) =>
    Math.ceil((count * (conv.outSize / tile.rows)) / tile.stripsPerGroup);
  const weights = convolutionWeights(conv);
  const resource = context.scratch(partialsOf(batchSize) * weights);
  partialSums(context, operation, tile, resource, partialsOf);
  addPartials(context, conv, tile, resource);
}

function partialSums(
  context: CompileContext,
  { conv, outputGradient, input }: ConvolutionBackward,
  tile: GradientTile,
  resource: Resource,
  partialsOf: (count: number) => number,
): void {
  const { kernel, stride, outSize, inChannels, outChannels } = conv;
  const threads = gradientThreads(tile);
  const builder = context.builder();
  const x = activationOperand(builder, input, inputShape(conv), context.program.named);
  const dy = gradientOperand(builder, outputGradient, outputShape(conv));
  const partials = builder.array('partials', resource, 'read_write', 'vec4f');
  const step = builder.step();

  const { rows, stripsPerGroup } = tile;
  const padding = (kernel - 1) / 2;
  const inQuads = tile.inChannels / 4;
  const outQuads = tile.outChannels / 4;
  const blocksIn = Math.ceil(inChannels / tile.inChannels);
  const blocksOut = outChannels / tile.outChannels;
  const strips = outSize / rows;
  const write = ({ tap, inChannel, outQuad }: WeightPlace, value: string) =>
    `${partials}[((group.y * ${kernel ** 2}u + ${tap}u) * ${inChannels}u + blockIn * ${tile.inChannels}u + ${inChannel}) * ${outChannels / 4}u + blockOut * ${outQuads}u + ${outQuad}] = ${value};`;
  const sums = (tile.matrices ? matrixWeightSums : registerWeightSums)(builder, conv, tile, write);

  const stagedX = stagePatch(
    builder,
    x,
    {
      rows: (rows - 1) * stride + kernel,
      columns: (outSize - 1) * stride + kernel,
      row: `i32(firstRow * ${stride}u) - ${padding}`,
      column: `-${padding}`,
      image: 'image',
      quads: inQuads,
      firstQuad: `blockIn * ${inQuads}u`,
    },
    threads,
    sums.storeX,
    `blockOut == 0u && patchRow >= ${padding}u && patchRow < ${padding + rows * stride}u`,
  );
  const stagedDy = stagePatch(
    builder,
    dy,
    {
      rows,
      columns: sums.dyColumns,
      row: 'i32(firstRow)',
      column: '0',
      image: 'image',
      quads: outQuads,
      firstQuad: `blockOut * ${outQuads}u`,
    },
    threads,
    sums.storeDy,
    'false',
  );

  context.add(builder, {
    part: 'weight',
    threads,
    tileKey: gradientKey(conv),
    declarations: sums.declarations,
    body: `
        let blockOut = group.x % ${blocksOut}u;
        let blockIn = group.x / ${blocksOut}u;
        ${sums.begin}
        let lastStrip = min((group.y + 1u) * ${stripsPerGroup}u, ${step}.count * ${strips}u);
        for (var strip = group.y * ${stripsPerGroup}u; strip < lastStrip; strip++) {
          let image = strip / ${strips}u;
          let firstRow = (strip % ${strips}u) * ${rows}u;
          ${stagedX}
          ${stagedDy}
          workgroupBarrier();
          ${sums.addStrip}
          workgroupBarrier();
        }
        ${sums.finish}`,
    workgroups: (count) => [blocksIn * blocksOut, partialsOf(count)],
    multiplyAddsPerImage: convolutionMultiplyAdds(conv),
  });
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
  const total = convolutionWeights(conv) / 4;
  const unscale = builder.lossScale('inverse');
  const [columns, lanes] = [16, 16];
  const strips = conv.outSize / tile.rows;
  context.add(builder, {
    part: 'weight sum',
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
  });
}
