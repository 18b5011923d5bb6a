// Gradient of a convolution's input: the transposed convolution of dy = k1·dz + k2·y + k3 (made while it
// is staged), plus what came through the shortcut, gated by the ReLU; with sums for the batch
// normalisations that made this input.

import { convolutionMultiplyAdds } from '../../nn/multiply-adds.ts';
import type { ConvolutionBackward } from '../operations/convolution-backward.ts';
import type { InputGradient } from '../program.ts';
import type { CompileContext } from './context.ts';
import { gateCode, sumsCode } from './gate.ts';
import type { KernelBuilder } from './kernel.ts';
import type { Place } from './operands.ts';
import { at, gradientOperand, type Shape } from './operands.ts';
import { forEachResult, inputGradientProduct, productLayout } from './product.ts';
import { productCode } from './product-code.ts';
import { sumOverLanes } from './reduce.ts';
import { productKey } from './tiles.ts';

export function convolutionInputGradient(
  context: CompileContext,
  operation: ConvolutionBackward,
  inputGradient: InputGradient,
): void {
  const { conv, outputGradient } = operation;
  const builder = context.builder();
  const product = inputGradientProduct(conv);
  const tile = context.tiles.product(product.shape, product.direction);
  const { threads, lanes, tiles, blocks } = productLayout(product, tile);
  const inShape = { size: conv.inSize, channels: conv.inChannels };

  const operand = gradientOperand(builder, outputGradient, {
    size: conv.outSize,
    channels: conv.outChannels,
  });
  const weights = builder.array('parameters', context.flat('parameters'), 'read', 'vec4f');
  const offset = builder.constant(conv.weight / 4);
  const result = builder.tensor('result', inputGradient.output, 'read_write');
  const shortcut = shortcutCode(builder, inputGradient, inShape);
  const gate = inputGradient.gate && gateCode(builder, inputGradient.gate, inShape);
  const sums = sumsCode(context, builder, inputGradient.sums, inShape, tiles);
  const code = productCode(builder, product, tile, operand, { name: weights, offset });

  const finish = (quad: number) => {
    const results = forEachResult(product, tile, (one) => {
      if (one.quad !== quad) return '';
      const place = { image: 'image', row: 'row', column: 'column', c4: 'c4' };
      return `
        let row = ${one.row};
        let column = ${one.column};
        var v = ${one.name};
        ${shortcut(place)}
        ${gate?.(place) ?? ''}
        ${result.store(at(inShape, place), 'v')}
        ${sums?.add(place) ?? ''}`;
    });
    return `{
      let c4 = firstQuad + ${quad}u;
      ${(sums?.variables ?? []).map((name) => `var ${name} = vec4f();`).join('\n')}
      ${results}
      ${
        sums
          ? `${sumOverLanes(builder, code.exchange, threads, lanes, sums.variables)}
             if (lane == 0u) { ${sums.store(`image * ${tiles}u + tileIndex`, 'c4')} }`
          : ''
      }
    }`;
  };

  context.add(builder, {
    part: 'input',
    threads,
    tileKey: productKey(product.shape, product.direction),
    declarations: code.declarations,
    body: `
        ${code.body}
        ${Array.from({ length: tile.threadQuads }, (_, quad) => finish(quad)).join('\n')}`,
    workgroups: (count) => [tiles * blocks, count],
    multiplyAddsPerImage: convolutionMultiplyAdds(conv),
  });
}

/** Adds the shortcut's gradient to `v`. */
function shortcutCode(
  builder: KernelBuilder,
  { shortcut }: InputGradient,
  shape: Shape,
): (place: Place) => string {
  if (!shortcut) return () => '';
  const dz = builder.tensor('shortcut', shortcut.dz, 'read');
  if (shortcut.kind === 'identity') return (place) => `v += ${dz.load(at(shape, place))};`;
  // Adjoint of the padding shortcut: the middle channels return to the even pixels.
  const from = { size: shape.size / 2, channels: shortcut.outChannels };
  return ({ image, row, column, c4 }) => `
    if ((${row} | ${column}) % 2u == 0u) {
      v += ${dz.load(at(from, { image, row: `(${row} / 2u)`, column: `(${column} / 2u)`, c4: `(${c4} + ${shortcut.channelsBefore / 4}u)` }))};
    }`;
}
