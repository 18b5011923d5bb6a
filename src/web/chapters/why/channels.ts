// What a shortcut does where a stage begins and channels double: which input each output channel is made
// of, and what that costs. Read from the description of the network, not repeated here.

import { convolutionMultiplyAdds, convolutionWeights } from '../../../nn/multiply-adds.ts';
import { type Block, createNetwork } from '../../../nn/network.ts';
import { parameterCount } from '../../../nn/parameters.ts';

export type Option = 'A' | 'B';

export interface ShortcutChannels {
  readonly inputs: number;
  readonly outputs: number;
  readonly inSize: number;
  readonly outSize: number;
  /** Numbers to train and multiply-adds of one image, of this shortcut alone. */
  readonly parameters: number;
  readonly multiplyAdds: number;
  /** The input channels that an output channel is made of; none where it is zero. */
  readonly sources: (output: number) => readonly number[];
}

/** The first shortcut of a stage, 2 or 3. */
export function shortcutChannels(option: Option, stage: 2 | 3): ShortcutChannels {
  const network = createNetwork('resnet20', { shortcut: option });
  const block = network.blocks.find(({ name }) => name === `layer${stage}.0`) as Block;
  const { inChannels: inputs, outChannels: outputs, inSize, outSize } = block.first.conv;
  const shape = { inputs, outputs, inSize, outSize };
  const { shortcut } = block;
  if (shortcut.kind === 'projection') {
    const { conv, norm } = shortcut.projection;
    return {
      ...shape,
      parameters: convolutionWeights(conv) + 2 * norm.channels,
      multiplyAdds: convolutionMultiplyAdds(conv),
      sources: () => Array.from({ length: inputs }, (_, i) => i),
    };
  }
  const before = shortcut.kind === 'pad' ? shortcut.channelsBefore : 0;
  return {
    ...shape,
    parameters: 0,
    multiplyAdds: 0,
    sources: (output) => {
      const input = output - before;
      return input >= 0 && input < inputs ? [input] : [];
    },
  };
}

/** How many numbers a network trains with either option. */
export function parametersWith(arch: string, option: Option): number {
  return parameterCount(createNetwork(arch, { shortcut: option }));
}
