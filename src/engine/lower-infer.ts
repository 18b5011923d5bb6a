// From a network to its inference program. Batch normalisation with running statistics is an affine
// map of each channel, so it is folded into the convolution before it (`setup`, after each change
// of weights), and a block is two convolutions with bias, ReLU and shortcut in their epilogues.

import { convolutionWeights } from '../nn/multiply-adds.ts';
import type { Block, ConvNorm, Network } from '../nn/network.ts';
import { ProgramBuilder } from './builder.ts';
import { addPooled, lowerHead } from './lower-head.ts';
import type { Activation, BufferId, Program, Shortcut } from './program.ts';

/**
 * Compiles a network for evaluation.
 * @param options batchSize: the largest number of images in one run
 */
export function lowerInference(network: Network, options: { batchSize: number }): Program {
  const builder = new ProgramBuilder(network, options.batchSize, 'infer');
  const x = lowerWithRunningStatistics(builder, network.stem, network.blocks);
  lowerHead(builder, { kind: 'buffer', x }, addPooled(builder));
  const { logits } = builder.named;
  builder.body.push({ kind: 'softmaxCrossEntropy', logits, classes: network.classes });
  return builder.finish('infer', 0);
}

/**
 * The stem and blocks as evaluation computes them; training uses it for layers that it freezes.
 * @returns the last block's output (the stem's, without blocks)
 */
export function lowerWithRunningStatistics(
  builder: ProgramBuilder,
  stem: ConvNorm,
  blocks: readonly Block[],
): BufferId {
  const convolve = (
    layer: ConvNorm,
    input: Activation,
    relu: boolean,
    shortcut?: Exclude<Shortcut, { kind: 'projection' }>,
  ): BufferId => {
    const conv = builder.geometryOf(layer);
    const folded = builder.addBuffer(
      `${conv.name}.folded`,
      'folded',
      'f32',
      convolutionWeights(conv) + conv.outChannels,
    );
    const output = builder.addOutput(`${conv.name}.output`, layer.conv);
    builder.setup.push({ kind: 'foldNorm', conv, norm: builder.normOf(layer), output: folded });
    builder.body.push({
      kind: 'convolutionInference',
      conv,
      folded,
      input,
      shortcut,
      relu,
      output,
    });
    return output;
  };

  let x = convolve(stem, { kind: 'image' }, true);
  for (const { first, second, shortcut } of blocks) {
    const input: Activation = { kind: 'buffer', x };
    const hidden: Activation = { kind: 'buffer', x: convolve(first, input, true) };
    switch (shortcut.kind) {
      case 'none':
        x = convolve(second, hidden, true);
        break;
      case 'identity':
        x = convolve(second, hidden, true, { kind: 'identity', x });
        break;
      case 'pad': {
        const { channelsBefore } = shortcut;
        const { inChannels } = first.conv;
        x = convolve(second, hidden, true, { kind: 'pad', x, inChannels, channelsBefore });
        break;
      }
      case 'projection': {
        const projected = convolve(shortcut.projection, input, false);
        x = convolve(second, hidden, true, { kind: 'identity', x: projected });
        break;
      }
      default:
        throw new Error(`unknown shortcut ${shortcut satisfies never}`);
    }
  }
  return x;
}
