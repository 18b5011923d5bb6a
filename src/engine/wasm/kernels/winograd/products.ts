// The n*n matrix products between Winograd's transforms:
//
//     winogradProduct        M[k] = V[k] U[k]        [tiles][in] × [in][out]
//     winogradWeightProduct  dU[k] += V[k]ᵀ W[k]     [in][tiles] × [tiles][out]
//
// Here the multiplications are: F(4×4,3×3) needs 36 for 16 outputs of 9, a quarter of the direct ones.

import { i32 } from '../../assembler/instructions.ts';
import { assign, increment, loop, loopMaybe } from '../../assembler/module.ts';
import type { Context } from '../context.ts';
import { MatrixTile } from '../matrix-tile.ts';
import { kernelName, type SpecOf, winogradPlanes } from '../signatures.ts';
import { matrixTile } from '../tiles.ts';

type Spec = SpecOf<'winogradProduct'>;

/** Multiply-adds unrolled over the summed index. */
const UNROLL = { product: 16, weightProduct: 4 };

export function generateWinogradProduct(context: Context, spec: Spec): void {
  const { inputChannels, outputChannels } = spec;
  const tile = matrixTile(context, spec.family, spec.outputChannels);
  const inputBytes = inputChannels * 4;
  const outputBytes = outputChannels * 4;
  const unroll = inputChannels % UNROLL.product === 0 ? UNROLL.product : 8;

  const fn = context.module.function(kernelName(spec));
  const [input, weights, products, inputStride, productStride, tiles] = fn.addresses(6);
  const matrix = new MatrixTile(fn, context, tile);
  const locals = fn.locals('i32', 9);
  const [plane, block, t, c, weightBlock, inputRow, outputRow, inputAt, weightAt] = locals;
  const steps = matrix.accumulate(unroll, inputAt!, inputBytes, 4, weightAt!, outputBytes);

  fn.body(
    loop(plane!, 0, winogradPlanes(spec.tile), 1, [
      loop(block!, 0, outputBytes, tile.channels * 4, [
        assign(weightBlock!, i32.add(weights, block!)),
        assign(inputRow!, input),
        assign(outputRow!, i32.add(products, block!)),
        // A last incomplete group of rows runs over into the plane's spare room.
        loop(t!, 0, tiles, tile.rows, [
          assign(inputAt!, inputRow!),
          assign(weightAt!, weightBlock!),
          matrix.clear(),
          inputChannels === unroll
            ? steps
            : loop(c!, 0, inputChannels, unroll, [
                steps,
                increment(weightAt!, unroll * outputBytes),
                increment(inputAt!, unroll * 4),
              ]),
          matrix.store(outputRow!, outputBytes),
          increment(inputRow!, tile.rows * inputBytes),
          increment(outputRow!, tile.rows * outputBytes),
        ]),
      ]),
      increment(input, inputStride),
      increment(products, productStride),
      increment(weights, inputChannels * outputBytes),
    ]),
  );
}

export function generateWinogradWeightProduct(context: Context, spec: Spec): void {
  const { inputChannels, outputChannels } = spec;
  const tile = matrixTile(context, spec.family, spec.outputChannels);
  const inputBytes = inputChannels * 4;
  const outputBytes = outputChannels * 4;
  const unroll = UNROLL.weightProduct;

  const fn = context.module.function(kernelName(spec));
  const [input, gradient, weightGradient, inputStride, gradientStride, tiles] = fn.addresses(6);
  const matrix = new MatrixTile(fn, context, tile);
  const locals = fn.locals('i32', 8);
  const [plane, block, row, t, inputAt, gradientAt, result, whole] = locals;
  const advance = (count: number) => [
    matrix.accumulate(count, inputAt!, 4, inputBytes, gradientAt!, outputBytes),
    increment(gradientAt!, count * outputBytes),
    increment(inputAt!, count * inputBytes),
  ];

  fn.body(
    assign(whole!, i32.and(tiles, -unroll)),
    loop(plane!, 0, winogradPlanes(spec.tile), 1, [
      loop(block!, 0, outputBytes, tile.channels * 4, [
        loop(row!, 0, inputChannels, tile.rows, [
          assign(result!, i32.add(i32.add(weightGradient, block!), i32.mul(row!, outputBytes))),
          assign(inputAt!, i32.add(input, i32.shl(row!, 2))),
          assign(gradientAt!, i32.add(gradient, block!)),
          matrix.load(result!, outputBytes),
          loopMaybe(t!, 0, whole!, unroll, advance(unroll)),
          loopMaybe(t!, whole!, tiles, 1, advance(1)),
          matrix.store(result!, outputBytes),
        ]),
      ]),
      increment(input, inputStride),
      increment(gradient, gradientStride),
      increment(weightGradient, inputChannels * outputBytes),
    ]),
  );
}
