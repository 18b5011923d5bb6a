// The backward pass of a training step. This is where automatic differentiation happens: once, as
// rules from layer to operations, in the order in which a block's gradients are needed.
//
// With recomputation only the block outputs were kept, and a block's convolutions run again just
// before its gradients (Chen et al., "Training deep nets with sublinear memory cost", 2016): the same
// operations on the same bits, so the same gradients, for one more forward pass.

import type { Block, ConvNorm } from '../nn/network.ts';
import type { ProgramBuilder } from './builder.ts';
import { activated, type BlockOutputs, type ForwardPass } from './lower-forward.ts';
import { lowerHeadBackward } from './lower-head.ts';
import type {
  Activation,
  BufferId,
  GradientSums,
  InputGradient,
  ShortcutGradient,
} from './program.ts';

/** Gradients of everything that is trained. */
export function lowerBackward(
  builder: ProgramBuilder,
  forward: ForwardPass,
  recompute: boolean,
): void {
  new BackwardLowering(builder, forward).lower(recompute);
}

class BackwardLowering {
  private readonly builder: ProgramBuilder;
  private readonly forward: ForwardPass;
  /** By block; recomputation replaces them. */
  private readonly outputs: BlockOutputs[];

  constructor(builder: ProgramBuilder, forward: ForwardPass) {
    this.builder = builder;
    this.forward = forward;
    this.outputs = [...forward.outputs];
  }

  lower(recompute: boolean): void {
    const { builder } = this;
    const { firstBlock, stemOutput } = this.forward;
    const { blocks, stem } = builder.network;
    let dz = this.headBackward();
    for (let b = blocks.length - 1; b >= firstBlock && dz !== undefined; b--) {
      dz = this.blockBackward(b, dz, recompute);
    }
    if (dz === undefined) return;
    const norm = builder.normOf(stem);
    builder.body.push(
      { kind: 'normGradient', norm },
      {
        kind: 'convolutionBackward',
        conv: builder.geometryOf(stem),
        outputGradient: { dz, y: stemOutput as BufferId, norm },
        input: { kind: 'image' },
      },
    );
  }

  /** @returns the gradient of the network's final map, where anything before it is trained */
  private headBackward(): BufferId | undefined {
    const { builder, forward } = this;
    const last = builder.network.blocks.length;
    const isTrained = forward.firstBlock < last;
    const map = isTrained
      ? { x: forward.inputs[last] as BufferId, sums: this.producers(last) }
      : undefined;
    return lowerHeadBackward(builder, forward.pooled, map);
  }

  /**
   * @param dz the gradient of block b's output, gated by its last ReLU
   * @returns the same of its input, where anything before it is trained
   */
  private blockBackward(b: number, dz: BufferId, recompute: boolean): BufferId | undefined {
    const { builder } = this;
    const { firstBlock, stemOutput, inputs } = this.forward;
    const block = builder.network.blocks[b] as Block;
    const { y1, y2, projection } = this.outputs[b] as BlockOutputs;
    const x = inputs[b] as BufferId;
    const secondGradient = { dz, y: y2, norm: builder.normOf(block.second) };
    const dz1 = builder.addOutput(`${block.first.conv.name}.dz`, block.first.conv);
    const middle = { y: y1, norm: builder.normOf(block.first) };
    builder.body.push(
      { kind: 'normGradient', norm: secondGradient.norm },
      {
        kind: 'convolutionBackward',
        conv: builder.geometryOf(block.second),
        outputGradient: secondGradient,
        input: activated(builder, block.first, y1),
        inputGradient: {
          output: dz1,
          gate: { kind: 'normalized', ...middle },
          sums: [middle],
        },
      },
    );
    const needsInputGradient = b > firstBlock || stemOutput !== undefined;
    const shortcut = this.shortcutGradient(block, { dz, x, projection, needsInputGradient });
    if (recompute && b > firstBlock) this.recomputeBlock(b - 1);
    const inputGradient = needsInputGradient ? this.inputGradient(b, shortcut) : undefined;
    builder.body.push(
      { kind: 'normGradient', norm: middle.norm },
      {
        kind: 'convolutionBackward',
        conv: builder.geometryOf(block.first),
        outputGradient: { dz: dz1, ...middle },
        input: { kind: 'buffer', x },
        inputGradient,
      },
    );
    return inputGradient?.output;
  }

  /** The gradient of block b's input, gated by the ReLU that made it. */
  private inputGradient(b: number, shortcut: ShortcutGradient | undefined): InputGradient {
    const block = this.builder.network.blocks[b] as Block;
    const output = shortcut?.kind === 'identity' ? shortcut.dz : this.addInputGradient(block);
    const gate = { kind: 'buffer', x: this.forward.inputs[b] as BufferId } as const;
    return { output, shortcut, gate, sums: this.producers(b) };
  }

  /**
   * The gradient that block's input receives past its convolutions, where the input needs one
   * (`needsInputGradient`); a projection's weight gets its own in any case.
   */
  private shortcutGradient(
    block: Block,
    {
      dz,
      x,
      projection: projectionOutput,
      needsInputGradient,
    }: { dz: BufferId; x: BufferId; projection?: BufferId; needsInputGradient: boolean },
  ): ShortcutGradient | undefined {
    const { builder } = this;
    const { shortcut, first } = block;
    switch (shortcut.kind) {
      case 'none':
        return undefined;
      case 'identity':
        return { kind: 'identity', dz };
      case 'pad': {
        const { channelsBefore } = shortcut;
        return { kind: 'pad', dz, outChannels: first.conv.outChannels, channelsBefore };
      }
      case 'projection': {
        const { projection } = shortcut;
        const norm = builder.normOf(projection);
        const output = needsInputGradient ? this.addInputGradient(block) : undefined;
        builder.body.push(
          { kind: 'normGradient', norm },
          {
            kind: 'convolutionBackward',
            conv: builder.geometryOf(projection),
            outputGradient: { dz, y: projectionOutput as BufferId, norm },
            input: { kind: 'buffer', x },
            inputGradient: output === undefined ? undefined : { output, sums: [] },
          },
        );
        return output === undefined ? undefined : { kind: 'identity', dz: output };
      }
      default:
        throw new Error(`unknown shortcut ${shortcut satisfies never}`);
    }
  }

  private addInputGradient({ name, first: { conv } }: Block): BufferId {
    const perImage = conv.inSize * conv.inSize * conv.inChannels;
    return this.builder.addActivation(`${name}.input.dz`, perImage);
  }

  /** The norms whose outputs are summed in the kept input of block b. */
  private producers(b: number): GradientSums[] {
    const { builder, forward } = this;
    const { stem, blocks } = builder.network;
    if (b === 0) return [{ norm: builder.normOf(stem), y: forward.stemOutput as BufferId }];
    const block = blocks[b - 1] as Block;
    const { y2, projection } = this.outputs[b - 1] as BlockOutputs;
    const sums: GradientSums[] = [{ norm: builder.normOf(block.second), y: y2 }];
    if (block.shortcut.kind === 'projection') {
      const norm = builder.normOf(block.shortcut.projection);
      sums.push({ norm, y: projection as BufferId });
    }
    return sums;
  }

  /** Runs a block's convolutions again, into fresh buffers that its gradients then read. */
  private recomputeBlock(b: number): void {
    const { builder } = this;
    const block = builder.network.blocks[b] as Block;
    const x = this.forward.inputs[b] as BufferId;
    const again = (layer: ConvNorm, input: Activation): BufferId => {
      const output = builder.addOutput(`${layer.conv.name}.y again`, layer.conv);
      builder.body.push({ kind: 'convolution', conv: builder.geometryOf(layer), input, output });
      return output;
    };
    const y1 = again(block.first, { kind: 'buffer', x });
    const y2 = again(block.second, activated(builder, block.first, y1));
    const { shortcut } = block;
    const projection =
      shortcut.kind === 'projection'
        ? again(shortcut.projection, { kind: 'buffer', x })
        : undefined;
    this.outputs[b] = { y1, y2, projection };
  }
}
