// A network as the drawing has it: the first convolution, the blocks, the classifier, each with what
// `nn/summary.ts` says of its modules. No number is written here.

import type { Block, Network } from '../../../nn/network.ts';
import { STAGES } from '../../../nn/network.ts';
import { type SummaryRow, summarizeNetwork } from '../../../nn/summary.ts';

/** [channels, height, width], or [features]. */
export type Shape = readonly number[];

export interface Part {
  /** `conv1`, `layer1.0` ..., `linear`. */
  readonly name: string;
  readonly title: string;
  /** 0: first convolution; 1 to 3: blocks; 4: classifier. */
  readonly stage: number;
  readonly input: Shape;
  readonly output: Shape;
  readonly parameters: number;
  readonly multiplyAdds: number;
  /** Absent outside of blocks. */
  readonly shortcut?: Block['shortcut'];
  /** Its modules, without the block itself. */
  readonly rows: readonly SummaryRow[];
}

/** From the image to the classes. */
export function partsOf(network: Network): Part[] {
  const { stem, blocks, classifier } = network;
  const perStage = blocks.length / 3;
  const last = blocks.at(-1)!.second.conv;
  const rows = rowsByPart(network);
  const part = (whole: Omit<Part, 'parameters' | 'multiplyAdds' | 'rows'>): Part => {
    const own = rows.get(whole.name)!;
    return {
      ...whole,
      parameters: own.reduce((sum, row) => sum + row.parameters, 0),
      multiplyAdds: own.reduce((sum, row) => sum + row.multiplyAdds, 0),
      rows: own.filter(({ type }) => type !== 'BasicBlock'),
    };
  };
  return [
    part({
      name: stem.conv.name,
      title: 'First convolution',
      stage: 0,
      input: [stem.conv.inChannels, stem.conv.inSize, stem.conv.inSize],
      output: [stem.conv.outChannels, stem.conv.outSize, stem.conv.outSize],
    }),
    ...blocks.map((block, i) => {
      const { first, second, shortcut, name } = block;
      const stage = Math.floor(i / perStage) + 1;
      return part({
        name,
        title: `Stage ${stage}, block ${(i % perStage) + 1} of ${perStage}`,
        stage,
        input: [first.conv.inChannels, first.conv.inSize, first.conv.inSize],
        output: [second.conv.outChannels, second.conv.outSize, second.conv.outSize],
        shortcut,
      });
    }),
    part({
      name: classifier.name,
      title: 'Mean of each map, then the classifier',
      stage: STAGES.length,
      input: [last.outChannels, last.outSize, last.outSize],
      output: [classifier.outFeatures],
    }),
  ];
}

function rowsByPart(network: Network): ReadonlyMap<string, readonly SummaryRow[]> {
  const { stem } = network;
  const parts = new Map<string, SummaryRow[]>();
  for (const row of summarizeNetwork(network).rows) {
    const block = /^layer\d+\.\d+/.exec(row.name)?.[0];
    const name = row.name === stem.norm.name ? stem.conv.name : (block ?? row.name);
    const own = parts.get(name) ?? [];
    own.push(row);
    parts.set(name, own);
  }
  return parts;
}

/** What a stage is called in the drawing. */
export function stageTitle(stage: number, parts: readonly Part[]): string {
  if (stage === 0) return 'The image goes in';
  if (stage === STAGES.length) return 'Ten probabilities come out';
  const own = parts.filter((part) => part.stage === stage);
  const [channels, size] = own[0]!.output;
  return `Stage ${stage}: ${own.length === 1 ? 'one block' : `${own.length} blocks`}, maps of ${size} × ${size}, ${channels} channels`;
}

/** 32 × 32 × 16: height, width, channels, as one says it. */
export function shapeText([channels, ...sizes]: Shape): string {
  return [...sizes, channels].join(' × ');
}

/** 4.7 k, 40.6 M, 2,829.2 M; below a thousand the number itself. */
export function shortCount(count: number): string {
  if (count < 1e3) return String(count);
  const [unit, letter] = count >= 1e6 ? [1e6, 'M'] : [1e3, 'k'];
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return `${(count / unit).toLocaleString('en', digits)} ${letter}`;
}

const SHORTCUTS: Readonly<Record<NonNullable<Part['shortcut']>['kind'], string>> = {
  none: 'No shortcut: what the two layers give is all that goes on.',
  identity: 'The shortcut adds the input, as it is.',
  pad: 'The shortcut adds every second pixel of the input, with channels of zeros before and behind (A).',
  projection: 'The shortcut adds a projection of the input: a 1 × 1 convolution with stride 2 (B).',
};

export function shortcutText(part: Part): string {
  return part.shortcut ? SHORTCUTS[part.shortcut.kind] : '';
}
