// Winograd output transform Y = Aᵀ M A with an epilogue.
//
// A row of tiles is finished in a buffer of its own (8 KB for the ResNets' stages, so it stays in L1)
// and then written by the epilogue in one contiguous run; writing each tile's rows straight to the
// image costs about 5 %. `temporary` = one tile's half-transformed columns, then at +1024 that buffer.

import { i32 } from '../../assembler/instructions.ts';
import { assign, increment, loop } from '../../assembler/module.ts';
import { type Context, loadWide, storeWide, WIDE } from '../context.ts';
import { emitEpilogue, epilogueOperands } from '../epilogue.ts';
import { kernelName, type SpecOf } from '../signatures.ts';
import { transform } from './one-dimensional.ts';

const TILE_ROW_OFFSET = 1024;

export function generateWinogradOutput(context: Context, spec: SpecOf<'winogradOutput'>): void {
  const { tile, width, channels, epilogue } = spec;
  const n = tile + 2;
  const pixelBytes = channels * 4;
  const imageRowBytes = width * pixelBytes;

  const fn = context.module.function(kernelName(spec));
  const [products, planeStride, tileRows, output, sums, a, b, c, coef, temporary] =
    fn.addresses(10);
  const { inputs, outputs, prepare, apply } = transform(fn, context, tile, 'Aᵀ');
  const locals = fn.locals('i32', 9);
  const [tileRow, tileColumn, offset, i, plane, columnPlanes, half, target, tileTarget] = locals;
  const rowBuffer = i32.add(temporary, TILE_ROW_OFFSET);

  const tiles = [
    assign(tileTarget!, rowBuffer),
    loop(tileColumn!, 0, width / tile, 1, [
      loop(offset!, 0, pixelBytes, WIDE, [
        assign(columnPlanes!, i32.add(products, offset!)),
        assign(half!, temporary),
        // Column i of the tile lies in planes i, n + i, 2n + i, …
        loop(i!, 0, n, 1, [
          assign(plane!, columnPlanes!),
          inputs.map((x) => [loadWide(x, plane!), increment(plane!, i32.mul(planeStride, n))]),
          apply,
          outputs.map((y, r) => storeWide(half!, r * n * WIDE, y)),
          increment(half!, WIDE),
          increment(columnPlanes!, planeStride),
        ]),
        assign(half!, temporary),
        assign(target!, i32.add(tileTarget!, offset!)),
        loop(i!, 0, tile, 1, [
          inputs.map((x, column) => loadWide(x, half!, column * WIDE)),
          apply,
          outputs.map((y, column) => storeWide(target!, column * pixelBytes, y)),
          increment(half!, n * WIDE),
          increment(target!, imageRowBytes),
        ]),
      ]),
      increment(products, pixelBytes),
      increment(tileTarget!, tile * pixelBytes),
    ]),
  ];
  const reads = epilogueOperands(epilogue);
  fn.body(
    prepare,
    loop(tileRow!, 0, tileRows, 1, [
      tiles,
      emitEpilogue(fn, context, epilogue, channels, tile * width, {
        source: rowBuffer,
        output,
        sums,
        a,
        b,
        c,
        coef,
      }),
      increment(output, tile * imageRowBytes),
      reads.a ? increment(a, tile * imageRowBytes) : null,
      reads.b ? increment(b, tile * imageRowBytes) : null,
      reads.c ? increment(c, tile * imageRowBytes) : null,
    ]),
  );
}
