// Winograd transforms of image data into planes: V = Bᵀ d B for a convolution's input and
// W = A dY Aᵀ for the output gradient in the weight gradient.
//
// One row of tiles at a time: first down the columns of the whole row (contiguous along the image row,
// and shared by neighbouring tiles, whose columns overlap by two), into `columns`, which stays in L1;
// then along the rows of each tile, scattering the n results to n planes. The plane layout
// [n*n][tiles][C] is what turns the element-wise product into n*n matrix products.

import { i32 } from '../../assembler/instructions.ts';
import { assign, increment, loop } from '../../assembler/module.ts';
import { type Context, loadWide, storeWide, WIDE } from '../context.ts';
import { kernelName, type SpecOf } from '../signatures.ts';
import { transform } from './one-dimensional.ts';

type Spec = SpecOf<'winogradInput'>;

export function generateWinogradPlanes(context: Context, spec: Spec): void {
  const { tile, width, channels } = spec;
  const n = tile + 2;
  const overlapping = spec.family === 'winogradInput';
  const rowBytes = (width + 2) * channels * 4;
  const extentBytes = (overlapping ? width + 2 : width) * channels * 4;
  const pixelBytes = channels * 4;

  const fn = context.module.function(kernelName(spec));
  const [image, columns, planes, planeStride, tileRows] = fn.addresses(5);
  const { inputs, outputs, prepare, apply } = transform(
    fn,
    context,
    tile,
    overlapping ? 'Bᵀ' : 'A',
  );
  const [tileRow, tileColumn, row, offset] = [0, 1, 2, 3].map(() => fn.local('i32'));
  const [source, target, tileSource, rowSource, rowPlanes, plane] = [0, 1, 2, 3, 4, 5].map(() =>
    fn.local('i32'),
  );

  const downColumns = [
    assign(source!, image),
    assign(target!, columns),
    loop(offset!, 0, extentBytes, WIDE, [
      inputs.map((x, i) => loadWide(x, source!, i * rowBytes)),
      apply,
      outputs.map((y, i) => storeWide(target!, i * rowBytes, y)),
      increment(source!, WIDE),
      increment(target!, WIDE),
    ]),
  ];
  const alongRows = [
    assign(tileSource!, columns),
    loop(tileColumn!, 0, width / tile, 1, [
      assign(rowSource!, tileSource!),
      assign(rowPlanes!, planes),
      loop(row!, 0, n, 1, [
        loop(offset!, 0, pixelBytes, WIDE, [
          assign(source!, i32.add(rowSource!, offset!)),
          inputs.map((x, i) => loadWide(x, source!, i * pixelBytes)),
          apply,
          assign(plane!, i32.add(rowPlanes!, offset!)),
          outputs.map((y) => [storeWide(plane!, 0, y), increment(plane!, planeStride)]),
        ]),
        increment(rowSource!, rowBytes),
        increment(rowPlanes!, i32.mul(planeStride, n)),
      ]),
      increment(planes, pixelBytes),
      increment(tileSource!, tile * pixelBytes),
    ]),
  ];
  fn.body(
    prepare,
    loop(tileRow!, 0, tileRows, 1, [downColumns, alongRows, increment(image, tile * rowBytes)]),
  );
}
