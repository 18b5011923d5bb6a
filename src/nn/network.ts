// The networks of Table 6 as data. "Deep Residual Learning for Image Recognition" (He et al., 2015),
// section 4.2: a 3×3 convolution, then three stages of n residual blocks with 16, 32 and 64 channels
// on 32×32, 16×16 and 8×8 maps, global average pooling and one linear layer: 6n+2 weighted layers
// in 3n blocks. Nothing here computes; `summary`, `initialize` and the engine read it.
//
// Names are those of PyTorch's `state_dict` in the common CIFAR implementations
// (`layer1.0.conv1.weight`, `layer2.0.shortcut.0.weight`), so weights travel without a dictionary.

import { UserError } from '../util/errors.ts';
import { didYouMean } from '../util/suggest.ts';

/**
 * How a block's input reaches its output (section 3.3): 'A' pads missing channels with zeros, as many
 * before as behind; 'A-end' puts all of them behind, as fb.resnet.torch and many after it do; 'B' projects
 * with a 1×1 convolution where the shape changes; 'none' makes the plain network.
 */
export const SHORTCUT_OPTIONS = ['A', 'A-end', 'B', 'none'] as const;
export type ShortcutOption = (typeof SHORTCUT_OPTIONS)[number];

export interface ConvolutionLayer {
  /** PyTorch module name, such as `layer1.0.conv1`. */
  readonly name: string;
  readonly inChannels: number;
  readonly outChannels: number;
  /** Height and width of the filter; the padding is (kernel - 1) / 2. */
  readonly kernel: 1 | 3;
  readonly stride: 1 | 2;
  /** Height and width of the input map. */
  readonly inSize: number;
  /** Height and width of the output map. */
  readonly outSize: number;
}

export interface BatchNormLayer {
  readonly name: string;
  readonly channels: number;
}

/** A convolution without bias followed by batch normalisation. */
export interface ConvNorm {
  readonly conv: ConvolutionLayer;
  readonly norm: BatchNormLayer;
}

export type BlockShortcut =
  | { readonly kind: 'none' }
  | { readonly kind: 'identity' }
  /** Every second pixel of every second row; zero channels before and after, or only after (option A). */
  | { readonly kind: 'pad'; readonly channelsBefore: number; readonly channelsBehind: number }
  | { readonly kind: 'projection'; readonly projection: ConvNorm };

/** relu(norm2(conv2(relu(norm1(conv1(x))))) + shortcut(x)) */
export interface Block {
  /** PyTorch module name, such as `layer2.0`. */
  readonly name: string;
  readonly first: ConvNorm;
  readonly second: ConvNorm;
  readonly shortcut: BlockShortcut;
}

export interface LinearLayer {
  readonly name: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

export interface Network {
  /** `resnet20`, `plain56` ... */
  readonly arch: string;
  /** Weighted layers: 6n + 2. */
  readonly depth: number;
  readonly shortcut: ShortcutOption;
  readonly classes: number;
  readonly stem: ConvNorm;
  readonly blocks: readonly Block[];
  readonly classifier: LinearLayer;
}

/** The parts of every network from input to output, as PyTorch calls them; the last layer follows. */
export const STAGES = ['conv1', 'layer1', 'layer2', 'layer3'] as const;
export type Stage = (typeof STAGES)[number];

/** How many blocks there are up to the end of a stage: none in the first, which is one convolution. */
export function blocksThrough(network: Network, stage: Stage): number {
  return (network.blocks.length / 3) * STAGES.indexOf(stage);
}

/** The depths of the residual networks in Table 6. */
export const TABLE6_DEPTHS = [20, 32, 44, 56, 110, 1202] as const;

/** Names that are likely to be meant. */
const NAMES = ['resnet', 'plain'].flatMap((family) =>
  TABLE6_DEPTHS.map((depth) => `${family}${depth}`),
);

const STAGE_CHANNELS = [16, 32, 64] as const;
const STAGE_SIZES = [32, 16, 8] as const;
/** Deeper ones are possible in principle; this bounds what a damaged name or file can ask for. */
const DEEPEST = 6002;

/**
 * Splits a network's name into family and depth.
 * @param arch `resnet<depth>` or `plain<depth>`, depth = 6n + 2
 * @throws UserError naming the depths that exist
 */
export function parseArch(arch: string): { family: 'resnet' | 'plain'; depth: number } {
  const match = /^(resnet|plain)-?(\d{1,5})$/i.exec(String(arch).trim());
  if (!match) {
    throw new UserError(
      `There is no network called "${arch}": use resnet20, resnet32, resnet44, resnet56, resnet110, resnet1202, any resnet<6n+2>, or plain<6n+2> without shortcuts.${didYouMean(String(arch), NAMES)}`,
      { exitCode: 2 },
    );
  }
  const family = match[1]?.toLowerCase() === 'plain' ? 'plain' : 'resnet';
  const depth = Number(match[2]);
  if ((depth - 2) % 6 !== 0 || depth < 8 || depth > DEEPEST) {
    const below = Math.min(DEEPEST, Math.max(8, Math.floor((depth - 2) / 6) * 6 + 2));
    const above = Math.min(DEEPEST, below + 6);
    throw new UserError(
      `There is no ${family}${depth}: depths are 6n+2 (8, 14, 20, 26, 32, ...; Table 6 has ${TABLE6_DEPTHS.join(', ')}); the nearest are ${family}${below} and ${family}${above}.`,
      { exitCode: 2 },
    );
  }
  return { family, depth };
}

/**
 * Describes a network.
 * @param arch `resnet20`, `plain20`, any depth 6n + 2
 * @param options shortcut 'A' (default), 'A-end' or 'B' for residual networks; classes (default 10)
 * @throws UserError for an unknown depth, a shortcut that does not fit, or fewer than two classes
 */
export function createNetwork(
  arch: string,
  options: { shortcut?: ShortcutOption; classes?: number } = {},
): Network {
  const { family, depth } = parseArch(arch);
  const classes = options.classes ?? 10;
  if (!Number.isInteger(classes) || classes < 2 || classes > 65536) {
    throw new UserError(`A classifier needs between 2 and 65536 classes, not ${classes}.`);
  }
  const shortcut = family === 'plain' ? 'none' : (options.shortcut ?? 'A');
  if (family === 'resnet' && shortcut === 'none') {
    throw new UserError(
      `A network without shortcuts is called plain${depth}; use that name, or shortcut A or B for resnet${depth}.`,
      { exitCode: 2 },
    );
  }
  const blocksPerStage = (depth - 2) / 6;
  const blocks: Block[] = [];
  let channels: number = STAGE_CHANNELS[0];
  let size: number = STAGE_SIZES[0];
  STAGE_CHANNELS.forEach((outChannels, stage) => {
    for (let index = 0; index < blocksPerStage; index++) {
      const outSize = STAGE_SIZES[stage] as number;
      blocks.push(
        createBlock(`layer${stage + 1}.${index}`, shortcut, channels, outChannels, size, outSize),
      );
      channels = outChannels;
      size = outSize;
    }
  });
  return {
    arch: `${family}${depth}`,
    depth,
    shortcut,
    classes,
    stem: convNorm('conv1', 'bn1', 3, STAGE_CHANNELS[0], 3, STAGE_SIZES[0], STAGE_SIZES[0]),
    blocks,
    classifier: { name: 'linear', inFeatures: STAGE_CHANNELS[2], outFeatures: classes },
  };
}

function convNorm(
  convName: string,
  normName: string,
  inChannels: number,
  outChannels: number,
  kernel: 1 | 3,
  inSize: number,
  outSize: number,
): ConvNorm {
  const stride = inSize === outSize ? 1 : 2;
  return {
    conv: { name: convName, inChannels, outChannels, kernel, stride, inSize, outSize },
    norm: { name: normName, channels: outChannels },
  };
}

function createBlock(
  name: string,
  option: ShortcutOption,
  inChannels: number,
  outChannels: number,
  inSize: number,
  outSize: number,
): Block {
  const sameShape = inChannels === outChannels && inSize === outSize;
  let shortcut: BlockShortcut;
  if (option === 'none') shortcut = { kind: 'none' };
  else if (sameShape) shortcut = { kind: 'identity' };
  else if (option === 'A' || option === 'A-end') {
    const missing = outChannels - inChannels;
    const channelsBefore = option === 'A' ? missing / 2 : 0;
    shortcut = { kind: 'pad', channelsBefore, channelsBehind: missing - channelsBefore };
  } else {
    const projection = convNorm(
      `${name}.shortcut.0`,
      `${name}.shortcut.1`,
      inChannels,
      outChannels,
      1,
      inSize,
      outSize,
    );
    shortcut = { kind: 'projection', projection };
  }
  return {
    name,
    first: convNorm(`${name}.conv1`, `${name}.bn1`, inChannels, outChannels, 3, inSize, outSize),
    second: convNorm(`${name}.conv2`, `${name}.bn2`, outChannels, outChannels, 3, outSize, outSize),
    shortcut,
  };
}

/** Every convolution with its batch normalisation, in PyTorch's `state_dict` order. */
export function convNormLayers(network: Network): ConvNorm[] {
  return [
    network.stem,
    ...network.blocks.flatMap(({ first, second, shortcut }) =>
      shortcut.kind === 'projection' ? [first, second, shortcut.projection] : [first, second],
    ),
  ];
}
