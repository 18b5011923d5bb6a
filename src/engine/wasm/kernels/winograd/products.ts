// The n*n matrix products between Winograd's transforms. Here the multiplications are: F(4×4,3×3) needs
// 36 for 16 outputs of 9, a quarter of the direct ones.

import { i32 } from '../../assembler/instructions.ts';
import { assign, increment, loop, loopMaybe } from '../../assembler/module.ts';
import { defineKernel } from '../kernel.ts';
import { MatrixTile } from '../matrix-tile.ts';
import { matrixTile } from '../tiles.ts';
import { type WinogradTile, winogradPlanes } from './layout.ts';

interface ProductShape {
  readonly tile: WinogradTile;
  readonly inputChannels: number;
  readonly outputChannels: number;
}

/** Multiply-adds unrolled over the summed index. */
const UNROLL = { product: 16, weightProduct: 4 };

/**
 * M[k] = V[k]·U[k] for all n*n planes, [tiles][in] × [in][out]; U is [n*n][in][out]. tiles: how many
 * rows (any count).
 */
export const winogradProduct = defineKernel({
  name: 'winogradProduct',
  parameters: ['input', 'weights', 'products', 'inputPlaneStride', 'productPlaneStride', 'tiles'],
  generate: (context, declare, shape: ProductShape) => {
    const { inputChannels, outputChannels } = shape;
    const tile = matrixTile(context, 'winogradProduct', outputChannels);
    const inputBytes = inputChannels * 4;
    const outputBytes = outputChannels * 4;
    const unroll = inputChannels % UNROLL.product === 0 ? UNROLL.product : 8;

    const { fn, input, weights, products, inputPlaneStride, productPlaneStride, tiles } = declare();
    const matrix = new MatrixTile(fn, context, tile);
    const [plane, block, t, c, weightBlock, inputRow, outputRow, inputAt, weightAt] = fn.locals(
      'i32',
      9,
    );
    const steps = matrix.accumulate(unroll, inputAt, inputBytes, 4, weightAt, outputBytes);

    fn.body(
      loop(plane, 0, winogradPlanes(shape.tile), 1, [
        loop(block, 0, outputBytes, tile.channels * 4, [
          assign(weightBlock, i32.add(weights, block)),
          assign(inputRow, input),
          assign(outputRow, i32.add(products, block)),
          // A last incomplete group of rows runs over into the plane's spare room.
          loop(t, 0, tiles, tile.rows, [
            assign(inputAt, inputRow),
            assign(weightAt, weightBlock),
            matrix.clear(),
            inputChannels === unroll
              ? steps
              : loop(c, 0, inputChannels, unroll, [
                  steps,
                  increment(weightAt, unroll * outputBytes),
                  increment(inputAt, unroll * 4),
                ]),
            matrix.store(outputRow, outputBytes),
            increment(inputRow, tile.rows * inputBytes),
            increment(outputRow, tile.rows * outputBytes),
          ]),
        ]),
        increment(input, inputPlaneStride),
        increment(products, productPlaneStride),
        increment(weights, inputChannels * outputBytes),
      ]),
    );
  },
});

/** dU[k] += V[k]ᵀ·W[k], [in][tiles] × [tiles][out]; accumulates into [n*n][in][out]. tiles: any count. */
export const winogradWeightProduct = defineKernel({
  name: 'winogradWeightProduct',
  parameters: [
    'input',
    'outputGradient',
    'weightGradient',
    'inputPlaneStride',
    'outputGradientPlaneStride',
    'tiles',
  ],
  generate: (context, declare, shape: ProductShape) => {
    const { inputChannels, outputChannels } = shape;
    const tile = matrixTile(context, 'winogradWeightProduct', outputChannels);
    const inputBytes = inputChannels * 4;
    const outputBytes = outputChannels * 4;
    const unroll = UNROLL.weightProduct;

    const { fn, input, outputGradient, weightGradient, tiles, ...strides } = declare();
    const matrix = new MatrixTile(fn, context, tile);
    const [plane, block, row, t, inputAt, gradientAt, result, whole] = fn.locals('i32', 8);
    const advance = (count: number) => [
      matrix.accumulate(count, inputAt, 4, inputBytes, gradientAt, outputBytes),
      increment(gradientAt, count * outputBytes),
      increment(inputAt, count * inputBytes),
    ];

    fn.body(
      assign(whole, i32.and(tiles, -unroll)),
      loop(plane, 0, winogradPlanes(shape.tile), 1, [
        loop(block, 0, outputBytes, tile.channels * 4, [
          loop(row, 0, inputChannels, tile.rows, [
            assign(result, i32.add(i32.add(weightGradient, block), i32.mul(row, outputBytes))),
            assign(inputAt, i32.add(input, i32.shl(row, 2))),
            assign(gradientAt, i32.add(outputGradient, block)),
            matrix.load(result, outputBytes),
            loopMaybe(t, 0, whole, unroll, advance(unroll)),
            loopMaybe(t, whole, tiles, 1, advance(1)),
            matrix.store(result, outputBytes),
          ]),
        ]),
        increment(input, strides.inputPlaneStride),
        increment(outputGradient, strides.outputGradientPlaneStride),
        increment(weightGradient, inputChannels * outputBytes),
      ]),
    );
  },
});
