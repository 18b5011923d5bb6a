// Convolution of an evaluation: weight and bias with the batch normalisation folded in, then the
// shortcut and the ReLU.

import { convolutionWeights } from '../../../nn/multiply-adds.ts';
import type { ConvolutionInference } from '../../operations/convolution-inference.ts';
import type { CompileContext } from '../context.ts';
import { activationOperand, at, shortcutTerm } from '../operands.ts';
import { forEachResult, forwardProduct, productLayout } from '../product.ts';
import { productCode } from '../product-code.ts';
import { productKey } from '../tiles.ts';

export function convolutionInference(
  context: CompileContext,
  operation: ConvolutionInference,
): void {
  const { conv, folded, input, shortcut, relu, output } = operation;
  const builder = context.builder();
  const product = forwardProduct(conv);
  const tile = context.tiles.product(product.shape, product.direction);
  const { threads, tiles, blocks } = productLayout(product, tile);
  const outShape = { size: conv.outSize, channels: conv.outChannels };
  const inShape = { size: conv.inSize, channels: conv.inChannels };

  const operand = activationOperand(builder, input, inShape, context.program.named);
  const weights = builder.array('folded', folded, 'read', 'vec4f');
  const bias = convolutionWeights(conv) / 4;
  const added = shortcut && shortcutTerm(builder, shortcut, outShape);
  const result = builder.tensor('result', output, 'read_write');
  const code = productCode(builder, product, tile, operand, { name: weights, offset: '0u' });

  const store = forEachResult(product, tile, ({ name, row, column, quad }) => {
    const place = { image: 'image', row, column, c4: 'c4' };
    return `
      let c4 = firstQuad + ${quad}u;
      ${added?.prepare('c4') ?? ''}
      var v = ${name} + ${weights}[${bias}u + c4];
      ${added?.add(place) ?? ''}
      ${relu ? 'v = select(v, vec4f(), v < vec4f());' : ''}
      ${result.store(at(outShape, place), 'v')}`;
  });

  context.add(builder, {
    threads,
    tileKey: productKey(product.shape, product.direction),
    declarations: code.declarations,
    body: `
        ${code.body}
        ${store}`,
    workgroups: (count) => [tiles * blocks, count],
  });
}
