// Winograd transforms of image data into planes: V = Bᵀ d B for a convolution's input and
// W = A dY Aᵀ for the output gradient in the weight gradient.
//
// One row of tiles at a time: first down the columns of the whole row (contiguous along the image row,
// and shared by neighbouring tiles, whose columns overlap by two), into `columns`, which stays in L1;
// then along the rows of each tile, scattering the n results to n planes. The plane layout
// [n*n][tiles][C] is what turns the element-wise product into n*n matrix products.

import { i32 } from '../../assembler/instructions.ts';
import { assign, type FunctionBuilder, increment, loop } from '../../assembler/module.ts';
import type { Local } from '../../assembler/value.ts';
import { type KernelOptions, loadWide, storeWide, WIDE } from '../context.ts';
import { defineKernel } from '../kernel.ts';
import type { TransformShape } from './layout.ts';
import { transform } from './one-dimensional.ts';

/**
 * V = Bᵀ d B for `tileRows` rows of tiles of one image. padded: scratch image +
 * firstTileRow * tile * (W+2)*C*4. columns: temporary, winogradColumnsBytes(). planes: address of the
 * first of these tiles in plane 0.
 */
export const winogradInput = defineKernel({
  name: 'winogradInput',
  parameters: ['padded', 'columns', 'planes', 'planeStride', 'tileRows'],
  generate: (context, declare, shape: TransformShape) => {
    const { padded: image, ...locals } = declare();
    emitPlanes({ image, ...locals }, context, shape, 'Bᵀ');
  },
});

/** W = A dY Aᵀ, for the weight gradient; as winogradInput, but takes the *interior* address. */
export const winogradOutputGradient = defineKernel({
  name: 'winogradOutputGradient',
  parameters: ['interior', 'columns', 'planes', 'planeStride', 'tileRows'],
  generate: (context, declare, shape: TransformShape) => {
    const { interior: image, ...locals } = declare();
    emitPlanes({ image, ...locals }, context, shape, 'A');
  },
});

type PlanesFunction = { readonly fn: FunctionBuilder } & Readonly<
  Record<'image' | 'columns' | 'planes' | 'planeStride' | 'tileRows', Local<'i32'>>
>;

function emitPlanes(
  { fn, image, columns, planes, planeStride, tileRows }: PlanesFunction,
  options: KernelOptions,
  { tile, width, channels }: TransformShape,
  matrix: 'Bᵀ' | 'A',
): void {
  const n = tile + 2;
  const pixelBytes = channels * 4;
  const rowBytes = (width + 2) * pixelBytes;
  // The input's tiles overlap by the border that the gradient's do without.
  const extentBytes = (matrix === 'Bᵀ' ? width + 2 : width) * pixelBytes;
  const { inputs, outputs, prepare, apply } = transform(fn, options, tile, matrix);
  const [tileRow, tileColumn, row, offset] = fn.locals('i32', 4);
  const [source, target, tileSource, rowSource, rowPlanes, plane] = fn.locals('i32', 6);

  const downColumns = [
    assign(source, image),
    assign(target, columns),
    loop(offset, 0, extentBytes, WIDE, [
      inputs.map((x, i) => loadWide(x, source, i * rowBytes)),
      apply,
      outputs.map((y, i) => storeWide(target, i * rowBytes, y)),
      increment(source, WIDE),
      increment(target, WIDE),
    ]),
  ];
  const alongRows = [
    assign(tileSource, columns),
    loop(tileColumn, 0, width / tile, 1, [
      assign(rowSource, tileSource),
      assign(rowPlanes, planes),
      loop(row, 0, n, 1, [
        loop(offset, 0, pixelBytes, WIDE, [
          assign(source, i32.add(rowSource, offset)),
          inputs.map((x, i) => loadWide(x, source, i * pixelBytes)),
          apply,
          assign(plane, i32.add(rowPlanes, offset)),
          outputs.map((y) => [storeWide(plane, 0, y), increment(plane, planeStride)]),
        ]),
        increment(rowSource, rowBytes),
        increment(rowPlanes, i32.mul(planeStride, n)),
      ]),
      increment(planes, pixelBytes),
      increment(tileSource, tile * pixelBytes),
    ]),
  ];
  fn.body(
    prepare,
    loop(tileRow, 0, tileRows, 1, [downColumns, alongRows, increment(image, tile * rowBytes)]),
  );
}
