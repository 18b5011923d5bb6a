// Winograd output transform Y = Aᵀ M A with an epilogue.
//
// A row of tiles is finished in a buffer of its own (8 KB for the ResNets' stages, so it stays in L1)
// and then written by the epilogue in one contiguous run; writing each tile's rows straight to the
// image costs about 5 %. `temporary` = one tile's half-transformed columns, then at +1024 that buffer.

import { i32 } from '../../assembler/instructions.ts';
import { assign, increment, loop } from '../../assembler/module.ts';
import { loadWide, storeWide, WIDE } from '../context.ts';
import { type Epilogue, emitEpilogue, epilogueOperands } from '../epilogue.ts';
import { defineKernel } from '../kernel.ts';
import type { TransformShape } from './layout.ts';
import { transform } from './one-dimensional.ts';

const TILE_ROW_OFFSET = 1024;

interface OutputShape extends TransformShape {
  readonly epilogue: Epilogue;
}

/**
 * products: address of the first tile in plane 0 of M. output, a, b, c: dense images +
 * firstTileRow * tile * W*C*4. temporary: winogradOutputBytes(). Unused ones 0.
 */
export const winogradOutput = defineKernel({
  name: 'winogradOutput',
  parameters: [
    'products',
    'planeStride',
    'tileRows',
    'output',
    'sums',
    'a',
    'b',
    'c',
    'coefficients',
    'temporary',
  ],
  generate: (context, declare, { tile, width, channels, epilogue }: OutputShape) => {
    const n = tile + 2;
    const pixelBytes = channels * 4;
    const imageRowBytes = width * pixelBytes;

    const { fn, products, planeStride, tileRows, output, sums, a, b, c, coefficients, temporary } =
      declare();
    const { inputs, outputs, prepare, apply } = transform(fn, context, tile, 'Aᵀ');
    const [tileRow, tileColumn, offset, i, plane, columnPlanes, half, target, tileTarget] =
      fn.locals('i32', 9);
    const rowBuffer = i32.add(temporary, TILE_ROW_OFFSET);

    const tiles = [
      assign(tileTarget, rowBuffer),
      loop(tileColumn, 0, width / tile, 1, [
        loop(offset, 0, pixelBytes, WIDE, [
          assign(columnPlanes, i32.add(products, offset)),
          assign(half, temporary),
          // Column i of the tile lies in planes i, n + i, 2n + i, …
          loop(i, 0, n, 1, [
            assign(plane, columnPlanes),
            inputs.map((x) => [loadWide(x, plane), increment(plane, i32.mul(planeStride, n))]),
            apply,
            outputs.map((y, r) => storeWide(half, r * n * WIDE, y)),
            increment(half, WIDE),
            increment(columnPlanes, planeStride),
          ]),
          assign(half, temporary),
          assign(target, i32.add(tileTarget, offset)),
          loop(i, 0, tile, 1, [
            inputs.map((x, column) => loadWide(x, half, column * WIDE)),
            apply,
            outputs.map((y, column) => storeWide(target, column * pixelBytes, y)),
            increment(half, n * WIDE),
            increment(target, imageRowBytes),
          ]),
        ]),
        increment(products, pixelBytes),
        increment(tileTarget, tile * pixelBytes),
      ]),
    ];
    const reads = epilogueOperands(epilogue);
    const addresses = { source: rowBuffer, output, sums, a, b, c, coefficients };
    fn.body(
      prepare,
      loop(tileRow, 0, tileRows, 1, [
        tiles,
        emitEpilogue(fn, context, epilogue, channels, tile * width, addresses),
        increment(output, tile * imageRowBytes),
        reads.a ? increment(a, tile * imageRowBytes) : null,
        reads.b ? increment(b, tile * imageRowBytes) : null,
        reads.c ? increment(c, tile * imageRowBytes) : null,
      ]),
    );
  },
});
