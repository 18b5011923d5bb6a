// Convolution of an evaluation: weight and bias with the batch normalisation folded in, then the
// shortcut and the ReLU.

import { convolutionWeights } from '../../../nn/multiply-adds.ts';
import type { ConvolutionInference } from '../../operations/convolution-inference.ts';
import { inputShape, outputShape } from '../../operations/operands.ts';
import type { CompileContext } from '../context.ts';
import { activationOperand, at, shortcutTerm } from '../operands.ts';
import { forEachResult, forwardProduct } from '../product.ts';
import { addProduct, beginProduct, productCode } from '../product-code.ts';

export function convolutionInference(
  context: CompileContext,
  operation: ConvolutionInference,
): void {
  const { conv, folded, input, shortcut, relu, output } = operation;
  const kernel = beginProduct(context, forwardProduct(conv));
  const { builder, product, tile } = kernel;
  const shape = outputShape(conv);

  const operand = activationOperand(builder, input, inputShape(conv), context.program.named);
  const weights = builder.array('folded', folded, 'read', 'vec4f');
  const bias = convolutionWeights(conv) / 4;
  const added = shortcut && shortcutTerm(builder, shortcut, shape);
  const result = builder.tensor('result', output, 'read_write');
  const code = productCode(kernel, operand, { name: weights, offset: '0u' });

  const store = forEachResult(product, tile, ({ name, row, column, quad }) => {
    const place = { image: 'image', row, column, c4: 'c4' };
    return `
      let c4 = firstQuad + ${quad}u;
      ${added?.prepare('c4') ?? ''}
      var v = ${name} + ${weights}[${bias}u + c4];
      ${added?.add(place) ?? ''}
      ${relu ? 'v = select(v, vec4f(), v < vec4f());' : ''}
      ${result.store(at(shape, place), 'v')}`;
  });

  addProduct(context, kernel, code, [store]);
}
