// From a network to its training program. This is where automatic differentiation happens: once,
// as rules from layer to operations, in the order in which a block's gradients are needed.
//
// What stays in memory between the passes: every convolution's output y and every block's output x.
// relu(norm(y)) is recomputed whenever it is read. With `memory: 'recompute'` only the block outputs
// stay, and a block's two convolutions run again just before its gradients (Chen et al., "Training
// deep nets with sublinear memory cost", 2016): the same operations on the same bits, so the same
// gradients, for one more forward pass.
//
// Frozen layers are computed as in evaluation, with their running statistics folded into their
// weights: nothing of them changes, so nothing is kept for them and nothing goes back through them.

import {
  type Block,
  blocksThrough,
  type ConvNorm,
  type Network,
  type Stage,
} from '../nn/network.ts';
import { ProgramBuilder } from './builder.ts';
import { addPooled, lowerHead, lowerHeadBackward } from './lower-head.ts';
import { lowerWithRunningStatistics } from './lower-infer.ts';
import type {
  Activation,
  BufferId,
  GradientSums,
  InputGradient,
  Program,
  Shortcut,
  ShortcutGradient,
} from './program.ts';

export type MemoryMode = 'auto' | 'keep' | 'recompute';

export interface TrainingOptions {
  /** Images in a full batch. */
  readonly batchSize: number;
  /** Share of the target taken from the label and spread over all classes (default 0). */
  readonly labelSmoothing?: number;
  /** 'auto' (default) keeps activations if they fit in `memoryLimit`, and recomputes otherwise. */
  readonly memory?: MemoryMode;
  /**
   * The last stage that does not change; default none. Its batch norms and those before it use their
   * running statistics, as in evaluation, and keep them.
   */
  readonly freeze?: Stage;
  /** Bytes; default 3.5 GiB, which leaves a 32-bit WebAssembly memory room for scratch. */
  readonly memoryLimit?: number;
}

const DEFAULT_MEMORY_LIMIT = 3.5 * 2 ** 30;

/** Compiles a network to one SGD step on a batch. */
export function lowerTraining(network: Network, options: TrainingOptions): Program {
  const { memory = 'auto', memoryLimit = DEFAULT_MEMORY_LIMIT } = options;
  const keep = memory === 'recompute' ? undefined : lower(network, options, false);
  if (keep && (memory === 'keep' || keep.bytes <= memoryLimit)) return keep;
  return lower(network, options, true);
}

/** The buffers of one block's forward pass. */
interface BlockOutputs {
  readonly y1: BufferId;
  readonly y2: BufferId;
  readonly projection?: BufferId;
}

function lower(network: Network, options: TrainingOptions, recompute: boolean): Program {
  const builder = new ProgramBuilder(network, options.batchSize, 'train');
  const lowering = new TrainingLowering(builder, options.freeze);
  lowering.forward();
  lowering.backward(recompute);
  builder.body.push({ kind: 'sgd', from: lowering.firstTrained() });
  return lowering.builder.finish('train', options.labelSmoothing ?? 0);
}

class TrainingLowering {
  readonly builder: ProgramBuilder;
  private readonly network: Network;
  /** Undefined where the stem is frozen. */
  private readonly stemOutput: BufferId | undefined;
  /** The first block that is trained. */
  private readonly firstBlock: number;
  /**
   * inputs[b] is the kept input of block b, from the first trained one on; the last one is the
   * network's final map.
   */
  private readonly inputs: BufferId[] = [];
  private readonly outputs: BlockOutputs[] = [];
  private readonly pooled: BufferId;

  constructor(builder: ProgramBuilder, freeze: Stage | undefined) {
    this.builder = builder;
    this.network = builder.network;
    if (freeze === undefined) {
      this.firstBlock = 0;
      this.stemOutput = builder.addActivation('conv1.y', this.network.stem.conv);
    } else {
      this.firstBlock = blocksThrough(this.network, freeze);
    }
    this.pooled = addPooled(builder);
  }

  forward(): void {
    const { builder, network } = this;
    let input = this.firstInput();
    for (let b = this.firstBlock; b < network.blocks.length; b++) {
      const block = network.blocks[b] as Block;
      const y1 = builder.addActivation(`${block.first.conv.name}.y`, block.first.conv);
      const y2 = builder.addActivation(`${block.second.conv.name}.y`, block.second.conv);
      const x = this.inputs.at(-1) as BufferId;
      this.convolve(block.first, input, y1);
      this.convolve(block.second, this.activated(block.first, y1), y2);
      let projection: BufferId | undefined;
      if (block.shortcut.kind === 'projection') {
        const layer = block.shortcut.projection;
        projection = builder.addActivation(`${layer.conv.name}.y`, layer.conv);
        this.convolve(layer, { kind: 'buffer', x }, projection);
      }
      this.outputs[b] = { y1, y2, projection };
      input = {
        kind: 'normalized',
        y: y2,
        norm: builder.normOf(block.second),
        shortcut: this.shortcut(block, x, projection),
        keep: this.keepInput(block.second),
      };
    }
    lowerHead(builder, input, this.pooled);
  }

  /** Offset of the first parameter that is trained; all behind it are. */
  firstTrained(): number {
    const { builder, network, firstBlock, stemOutput } = this;
    if (stemOutput !== undefined) return 0;
    const block = network.blocks[firstBlock];
    return block ? builder.geometryOf(block.first).weight : builder.linearGeometry().weight;
  }

  backward(recompute: boolean): void {
    const { builder, network, firstBlock, stemOutput } = this;
    const { blocks, stem } = network;
    let dz = this.headBackward();
    if (dz === undefined) return;
    for (let b = blocks.length - 1; b >= firstBlock; b--) {
      const block = blocks[b] as Block;
      const { y1, y2, projection } = this.outputs[b] as BlockOutputs;
      const x = this.inputs[b] as BufferId;
      const secondGradient = { dz, y: y2, norm: builder.normOf(block.second) };
      const dz1 = builder.addActivation(`${block.first.conv.name}.dz`, block.first.conv);
      const middle = { y: y1, norm: builder.normOf(block.first) };
      builder.body.push(
        { kind: 'normGradient', norm: secondGradient.norm },
        {
          kind: 'convolutionBackward',
          conv: builder.geometryOf(block.second),
          outputGradient: secondGradient,
          input: this.activated(block.first, y1),
          inputGradient: {
            output: dz1,
            gate: { kind: 'normalized', ...middle },
            sums: [middle],
          },
        },
      );
      const goesOn = b > firstBlock || stemOutput !== undefined;
      const shortcut = this.shortcutGradient(block, { dz, x, projection, goesOn });
      if (recompute && b > firstBlock) this.recomputeBlock(b - 1);
      const inputGradient = goesOn ? this.inputGradient(b, shortcut) : undefined;
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
      if (inputGradient === undefined) return;
      dz = inputGradient.output;
    }
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

  /** What the first trained block reads, after everything before it was computed. */
  private firstInput(): Activation {
    const { builder, network, stemOutput, firstBlock } = this;
    const { stem, blocks } = network;
    if (stemOutput === undefined) {
      const x = lowerWithRunningStatistics(builder, stem, blocks.slice(0, firstBlock));
      this.inputs[firstBlock] = x;
      return { kind: 'buffer', x };
    }
    this.convolve(stem, { kind: 'image' }, stemOutput);
    const norm = builder.normOf(stem);
    return { kind: 'normalized', y: stemOutput, norm, keep: this.keepInput(stem) };
  }

  /** Convolution with batch statistics. */
  private convolve(layer: ConvNorm, input: Activation, output: BufferId): void {
    const norm = this.builder.normOf(layer);
    const conv = this.builder.geometryOf(layer);
    this.builder.body.push(
      { kind: 'convolution', conv, input, output, norm },
      { kind: 'normStatistics', norm },
    );
  }

  private activated(layer: ConvNorm, y: BufferId): Activation {
    return { kind: 'normalized', y, norm: this.builder.normOf(layer) };
  }

  private keepInput({ conv }: ConvNorm): BufferId {
    const x = this.builder.addActivation(`${conv.name}.x`, conv);
    this.inputs.push(x);
    return x;
  }

  private shortcut(block: Block, x: BufferId, projection?: BufferId): Shortcut | undefined {
    const { shortcut, first } = block;
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
        const norm = this.builder.normOf(shortcut.projection);
        return { kind: 'projection', y: projection as BufferId, norm };
      }
      default:
        throw new Error(`unknown shortcut ${shortcut satisfies never}`);
    }
  }

  /** @returns the gradient of the network's final map, where anything before it is trained */
  private headBackward(): BufferId | undefined {
    const { builder, network, pooled } = this;
    const last = network.blocks.length;
    const isTrained = this.firstBlock < last;
    const map = isTrained && { x: this.inputs[last] as BufferId, sums: this.producers(last) };
    return lowerHeadBackward(builder, pooled, map || undefined);
  }

  /** The gradient of block b's input, gated by the ReLU that made it. */
  private inputGradient(b: number, shortcut: ShortcutGradient | undefined): InputGradient {
    const block = this.network.blocks[b] as Block;
    const output = shortcut?.kind === 'identity' ? shortcut.dz : this.addInputGradient(block);
    const gate = { kind: 'buffer', x: this.inputs[b] as BufferId } as const;
    return { output, shortcut, gate, sums: this.producers(b) };
  }

  /**
   * The gradient that block's input receives past its convolutions, where the input needs one
   * (`goesOn`); a projection's weight gets its own in any case.
   */
  private shortcutGradient(
    block: Block,
    {
      dz,
      x,
      projection: projectionOutput,
      goesOn,
    }: { dz: BufferId; x: BufferId; projection?: BufferId; goesOn: boolean },
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
        const output = goesOn ? this.addInputGradient(block) : undefined;
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
    return this.builder.addImages(`${name}.input.dz`, 'activation', 'f32', perImage);
  }

  /** The norms whose outputs are summed in the kept input of block b. */
  private producers(b: number): GradientSums[] {
    const { builder, network } = this;
    if (b === 0) return [{ norm: builder.normOf(network.stem), y: this.stemOutput as BufferId }];
    const block = network.blocks[b - 1] as Block;
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
    const block = this.network.blocks[b] as Block;
    const x = this.inputs[b] as BufferId;
    const again = (layer: ConvNorm, input: Activation): BufferId => {
      const output = builder.addActivation(`${layer.conv.name}.y again`, layer.conv);
      builder.body.push({ kind: 'convolution', conv: builder.geometryOf(layer), input, output });
      return output;
    };
    const y1 = again(block.first, { kind: 'buffer', x });
    const y2 = again(block.second, this.activated(block.first, y1));
    const { shortcut } = block;
    const projection =
      shortcut.kind === 'projection'
        ? again(shortcut.projection, { kind: 'buffer', x })
        : undefined;
    this.outputs[b] = { y1, y2, projection };
  }
}
