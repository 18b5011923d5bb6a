// The forward pass of a training step. It keeps every convolution's output y and every block's
// output x; relu(norm(y)) is recomputed whenever it is read.
//
// Frozen layers are computed as in evaluation, with their running statistics folded into their
// weights: nothing of them changes, so nothing is kept for them and nothing goes back through them.

import { type Block, blocksThrough, type ConvNorm, type Stage } from '../nn/network.ts';
import type { ProgramBuilder } from './builder.ts';
import { addPooled, lowerHead } from './lower-head.ts';
import { lowerWithRunningStatistics } from './lower-infer.ts';
import type { Activation, BufferId, Shortcut } from './program.ts';

/** What a block's convolutions leave. */
export interface BlockOutputs {
  readonly y1: BufferId;
  readonly y2: BufferId;
  readonly projection?: BufferId;
}

/** What the forward pass leaves for the backward pass. */
export interface ForwardPass {
  /** The first block that is trained. */
  readonly firstBlock: number;
  /** Undefined where the stem is frozen. */
  readonly stemOutput: BufferId | undefined;
  /**
   * inputs[b] is the kept input of block b, from the first trained one on; the last one is the
   * network's final map.
   */
  readonly inputs: readonly BufferId[];
  /** By block, from the first trained one on. */
  readonly outputs: readonly BlockOutputs[];
  readonly pooled: BufferId;
}

/** @param freeze the last stage that is not trained */
export function lowerForward(builder: ProgramBuilder, freeze: Stage | undefined): ForwardPass {
  const { network } = builder;
  const { stem, blocks } = network;
  const isStemTrained = freeze === undefined;
  const firstBlock = isStemTrained ? 0 : blocksThrough(network, freeze);
  const stemOutput = isStemTrained ? builder.addOutput('conv1.y', stem.conv) : undefined;
  const pooled = addPooled(builder);
  const inputs: BufferId[] = [];
  const outputs: BlockOutputs[] = [];
  const keepInput = ({ conv }: ConvNorm): BufferId => {
    const x = builder.addOutput(`${conv.name}.x`, conv);
    inputs.push(x);
    return x;
  };

  let input: Activation;
  if (stemOutput === undefined) {
    const x = lowerWithRunningStatistics(builder, stem, blocks.slice(0, firstBlock));
    inputs[firstBlock] = x;
    input = { kind: 'buffer', x };
  } else {
    convolve(builder, stem, { kind: 'image' }, stemOutput);
    input = {
      kind: 'normalized',
      y: stemOutput,
      norm: builder.normOf(stem),
      keep: keepInput(stem),
    };
  }
  for (let b = firstBlock; b < blocks.length; b++) {
    const block = blocks[b] as Block;
    const x = inputs.at(-1) as BufferId;
    const output = lowerBlock(builder, block, input, x);
    outputs[b] = output;
    input = {
      kind: 'normalized',
      y: output.y2,
      norm: builder.normOf(block.second),
      shortcut: shortcutOf(builder, block, x, output.projection),
      keep: keepInput(block.second),
    };
  }
  lowerHead(builder, input, pooled);
  return { firstBlock, stemOutput, inputs, outputs, pooled };
}

/** relu(norm(y)) of a layer's output, made while it is read. */
export function activated(builder: ProgramBuilder, layer: ConvNorm, y: BufferId): Activation {
  return { kind: 'normalized', y, norm: builder.normOf(layer) };
}

/** @param x where `input` is kept once the first convolution has read it */
function lowerBlock(
  builder: ProgramBuilder,
  { first, second, shortcut }: Block,
  input: Activation,
  x: BufferId,
): BlockOutputs {
  const y1 = builder.addOutput(`${first.conv.name}.y`, first.conv);
  const y2 = builder.addOutput(`${second.conv.name}.y`, second.conv);
  convolve(builder, first, input, y1);
  convolve(builder, second, activated(builder, first, y1), y2);
  if (shortcut.kind !== 'projection') return { y1, y2 };
  const layer = shortcut.projection;
  const projection = builder.addOutput(`${layer.conv.name}.y`, layer.conv);
  convolve(builder, layer, { kind: 'buffer', x }, projection);
  return { y1, y2, projection };
}

/** Convolution with batch statistics. */
function convolve(
  builder: ProgramBuilder,
  layer: ConvNorm,
  input: Activation,
  output: BufferId,
): void {
  const norm = builder.normOf(layer);
  const conv = builder.geometryOf(layer);
  builder.body.push(
    { kind: 'convolution', conv, input, output, norm },
    { kind: 'normStatistics', norm },
  );
}

function shortcutOf(
  builder: ProgramBuilder,
  { shortcut, first }: Block,
  x: BufferId,
  projection: BufferId | undefined,
): Shortcut | undefined {
  switch (shortcut.kind) {
    case 'none':
      return undefined;
    case 'identity':
      return { kind: 'identity', x };
    case 'pad': {
      const { channelsBefore } = shortcut;
      return { kind: 'pad', x, inChannels: first.conv.inChannels, channelsBefore };
    }
    case 'projection': {
      const norm = builder.normOf(shortcut.projection);
      return { kind: 'projection', y: projection as BufferId, norm };
    }
    default:
      throw new Error(`unknown shortcut ${shortcut satisfies never}`);
  }
}
