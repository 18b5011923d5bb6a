// Gradient of a convolution's input: the transposed convolution of dy = k1·dz + k2·y + k3 (made while it
// is staged), plus what came through the shortcut, gated by the ReLU; with sums for the batch
// normalisations that made this input.

import { convolutionMultiplyAdds } from '../../nn/multiply-adds.ts';
import type { ConvolutionBackward } from '../operations/convolution-backward.ts';
import { inputShape, outputShape } from '../operations/operands.ts';
import type { InputGradient, MapShape } from '../program.ts';
import type { CompileContext } from './context.ts';
import { gateCode, sumsCode } from './gate.ts';
import type { KernelBuilder } from './kernel.ts';
import { at, gradientOperand, HERE, type Place } from './operands.ts';
import { forEachResult, inputGradientProduct } from './product.ts';
import { addProduct, beginProduct, networkWeights, productCode } from './product-code.ts';

export function convolutionInputGradient(
  context: CompileContext,
  operation: ConvolutionBackward,
  inputGradient: InputGradient,
): void {
  const { conv, outputGradient } = operation;
  const kernel = beginProduct(context, inputGradientProduct(conv));
  const { builder, product, tile, threads, lanes, tiles } = kernel;
  const shape = inputShape(conv);

  const operand = gradientOperand(builder, outputGradient, outputShape(conv));
  const weights = networkWeights(context, kernel, conv);
  const result = builder.tensor('result', inputGradient.output, 'read_write');
  const shortcut = shortcutCode(builder, inputGradient, shape);
  const gate = inputGradient.gate && gateCode(builder, inputGradient.gate, shape);
  const sums = sumsCode(context, builder, inputGradient.sums, shape, tiles);
  const code = productCode(kernel, operand, weights);

  const finish = (quad: number) => {
    const results = forEachResult(product, tile, (one) => {
      if (one.quad !== quad) return '';
      return `
        let row = ${one.row};
        let column = ${one.column};
        var v = ${one.name};
        ${shortcut(HERE)}
        ${gate?.(HERE) ?? ''}
        ${result.store(at(shape, HERE), 'v')}
        ${sums.add(HERE)}`;
    });
    return `{
      let c4 = firstQuad + ${quad}u;
      ${sums.declare}
      ${results}
      ${sums.finish(code.exchange, threads, lanes, `image * ${tiles}u + tileIndex`, 'lane == 0u')}
    }`;
  };
  const results = Array.from({ length: tile.threadQuads }, (_, quad) => finish(quad));
  const part = { part: 'input', multiplyAddsPerImage: convolutionMultiplyAdds(conv) };
  addProduct(context, kernel, code, [results.join('\n')], part);
}

/** Adds the shortcut's gradient to `v`. */
function shortcutCode(
  builder: KernelBuilder,
  { shortcut }: InputGradient,
  shape: MapShape,
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
