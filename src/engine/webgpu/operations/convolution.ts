// Forward convolution with fused input: y = convolution(relu(norm(previous y) + shortcut)). Where a
// batch normalisation follows, each workgroup leaves the mean and the sum of squared deviations of
// its tile for each channel; normStatistics combines them.

import type { Convolution } from '../../operations/convolution.ts';
import { inputShape, outputShape } from '../../operations/operands.ts';
import type { CompileContext } from '../context.ts';
import { activationOperand, at } from '../operands.ts';
import { forEachResult, forwardProduct, resultNames } from '../product.ts';
import { addProduct, beginProduct, networkWeights, productCode } from '../product-code.ts';
import { float, momentsOverLanes } from '../reduce.ts';

export function convolution(context: CompileContext, operation: Convolution): void {
  const { conv, input, output, norm } = operation;
  const { program } = context;
  const kernel = beginProduct(context, forwardProduct(conv));
  const { builder, product, tile, threads, lanes, tiles } = kernel;
  const shape = outputShape(conv);

  const operand = activationOperand(builder, input, inputShape(conv), program.named);
  const weights = networkWeights(context, kernel, conv);
  const result = builder.tensor('result', output, 'read_write');
  const code = productCode(kernel, operand, weights);

  const store = forEachResult(product, tile, ({ name, row, column, quad }) =>
    result.store(at(shape, { image: 'image', row, column, c4: `firstQuad + ${quad}u` }), name),
  );
  const statistics: string[] = [];
  if (norm !== undefined) {
    const resource = context.scratch(program.batchSize * tiles * 2 * conv.outChannels);
    context.moments.set(norm, {
      resource,
      partsPerImage: tiles,
      rows: 2,
      valuesPerPart: tile.rows * tile.columns,
    });
    const partials = builder.array('partials', resource, 'read_write', 'vec4f');
    const quads = conv.outChannels / 4;
    for (let quad = 0; quad < tile.threadQuads; quad++) {
      const names = resultNames(product, tile, quad);
      statistics.push(`{
        var mean = (${names.join(' + ')}) * ${float(1 / names.length)};
        var deviation = vec4f();
        ${names.map((name) => `deviation += (${name} - mean) * (${name} - mean);`).join('\n')}
        ${momentsOverLanes(builder, code.exchange, threads, lanes, 'mean', 'deviation', names.length)}
        if (lane == 0u) {
          let part = (image * ${tiles}u + tileIndex) * ${2 * quads}u + firstQuad + ${quad}u;
          ${partials}[part] = mean;
          ${partials}[part + ${quads}u] = deviation;
        }
      }`);
    }
  }

  addProduct(context, kernel, code, [store, statistics.join('\n')]);
}
