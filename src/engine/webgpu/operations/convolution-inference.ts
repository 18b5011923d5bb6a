// Convolution of an evaluation: weight and bias with the batch normalisation folded in, then the
// shortcut and the ReLU. And the folding itself: w·γ/σ and β − μ·γ/σ of the running statistics.

import { NORM_EPSILON } from '../../constants.ts';
import type { CompileContext, Of } from '../context.ts';
import { activationOperand, at, shortcutTerm } from '../operands.ts';
import { forEachResult, forwardProduct, productLayout } from '../product.ts';
import { productCode } from '../product-code.ts';
import { productKey } from '../tiles.ts';

export function convolutionInference(
  context: CompileContext,
  operation: Of<'convolutionInference'>,
): void {
  const { conv, folded, input, shortcut, relu, output } = operation;
  const builder = context.builder();
  const product = forwardProduct(conv);
  const tile = context.tiles.product(product.shape, product.direction);
  const { threads, tiles, blocks } = productLayout(product, tile);
  const outShape = { size: conv.outSize, channels: conv.outChannels };
  const inShape = { size: conv.inSize, channels: conv.inChannels };

  const operand = activationOperand(builder, input, inShape, context.program.named);
  const weights = builder.array('folded', { kind: 'buffer', id: folded }, 'read', 'vec4f');
  const bias = (conv.kernel ** 2 * conv.inChannels * conv.outChannels) / 4;
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

  context.kernels.push(
    builder.build({
      label: `convolutionInference ${conv.name}`,
      threads,
      tileKey: productKey(product.shape, product.direction),
      declarations: code.declarations,
      body: `
        ${code.body}
        ${store}`,
      workgroups: (count) => [tiles * blocks, count],
      multiplyAddsPerImage:
        conv.outSize ** 2 * conv.outChannels * conv.kernel ** 2 * conv.inChannels,
    }),
  );
}

/** One thread a weight; those of the first input channel and tap make the bias as well. */
export function foldNorm(context: CompileContext, operation: Of<'foldNorm'>): void {
  const { conv, norm, output } = operation;
  const spec = context.program.norms[norm]!;
  const builder = context.builder();
  const parameters = builder.array('parameters', context.flat('parameters'), 'read', 'f32');
  const running = builder.array('running', context.flat('running'), 'read', 'f32');
  const folded = builder.array('folded', { kind: 'buffer', id: output }, 'read_write', 'f32');
  const weight = builder.constant(conv.weight);
  const gamma = builder.constant(spec.gamma);
  const beta = builder.constant(spec.beta);
  const mean = builder.constant(spec.runningMean);
  const variance = builder.constant(spec.runningVariance);
  const total = conv.kernel ** 2 * conv.inChannels * conv.outChannels;
  const threads = 64;
  context.kernels.push(
    builder.build({
      label: `foldNorm ${conv.name}`,
      threads,
      body: `
        let i = group.x * ${threads}u + tid;
        if (i >= ${total}u) { return; }
        let o = i % ${conv.outChannels}u;
        let scale = ${parameters}[${gamma} + o] / sqrt(${running}[${variance} + o] + ${NORM_EPSILON});
        ${folded}[i] = ${parameters}[${weight} + i] * scale;
        if (i < ${conv.outChannels}u) {
          ${folded}[${total}u + o] = ${parameters}[${beta} + o] - ${running}[${mean} + o] * scale;
        }`,
      workgroups: () => [Math.ceil(total / threads), 1],
    }),
  );
}
