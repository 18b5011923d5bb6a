// The table that people know from torchsummary: one row for every module in the order in which its
// forward pass ends, with output shape and parameters, then the sizes in memory. The same modules
// count as there (convolutions, batch norms, the padding shortcut's LambdaLayer, whole blocks, the
// linear layer; functional ReLU and pooling do not), so ResNet-20's 3.63 MB can be compared.
// Multiply-adds are added: torchsummary has none.

import { formatCount } from '../util/format.ts';
import { elementCount } from '../util/tensor.ts';
import {
  convolutionMultiplyAdds,
  convolutionWeights,
  linearMultiplyAdds,
} from './multiply-adds.ts';
import type { BatchNormLayer, Block, ConvNorm, ConvolutionLayer, Network } from './network.ts';
import { parameterCount } from './parameters.ts';

/** PyTorch's class of a module. */
export type ModuleType = 'Conv2d' | 'BatchNorm2d' | 'LambdaLayer' | 'BasicBlock' | 'Linear';

export interface SummaryRow {
  readonly type: ModuleType;
  /** 1 for the first module that finishes; `Conv2d-1` in the table. */
  readonly index: number;
  /** PyTorch's module name, such as `layer1.0.conv1`. */
  readonly name: string;
  /** [channels, height, width], or [features] for the linear layer. */
  readonly outputShape: readonly number[];
  /** Trained parameters of this module itself, not of the modules inside it. */
  readonly parameters: number;
  /** Multiply-adds for one image: convolutions and the linear layer only. */
  readonly multiplyAdds: number;
}

export interface NetworkSummary {
  readonly arch: string;
  readonly shortcut: Network['shortcut'];
  readonly classes: number;
  /** Weighted layers, 6n + 2, as the paper counts them. */
  readonly layers: number;
  readonly blocks: number;
  readonly parameters: number;
  readonly multiplyAdds: number;
  /** Mebibytes of float32 for one image, as torchsummary estimates them. */
  readonly inputMegabytes: number;
  /** Outputs of all rows, twice: once for the activation, once for its gradient. */
  readonly forwardBackwardMegabytes: number;
  readonly parametersMegabytes: number;
  readonly totalMegabytes: number;
  readonly rows: readonly SummaryRow[];
}

const BYTES_PER_FLOAT = 4;
const MEBIBYTE = 1024 * 1024;
const INPUT_SHAPE = [3, 32, 32] as const;

/** Describes every module of a network and its totals. */
export function summarizeNetwork(network: Network): NetworkSummary {
  const rows = summaryRows(network);
  const outputs = rows.reduce((sum, row) => sum + elementCount(row.outputShape), 0);
  const parameters = parameterCount(network);
  const inputMegabytes = (elementCount(INPUT_SHAPE) * BYTES_PER_FLOAT) / MEBIBYTE;
  const forwardBackwardMegabytes = (2 * outputs * BYTES_PER_FLOAT) / MEBIBYTE;
  const parametersMegabytes = (parameters * BYTES_PER_FLOAT) / MEBIBYTE;
  return {
    arch: network.arch,
    shortcut: network.shortcut,
    classes: network.classes,
    layers: network.depth,
    blocks: network.blocks.length,
    parameters,
    multiplyAdds: multiplyAdds(network),
    inputMegabytes,
    forwardBackwardMegabytes,
    parametersMegabytes,
    totalMegabytes: inputMegabytes + forwardBackwardMegabytes + parametersMegabytes,
    rows,
  };
}

/**
 * A training step costs about so many forward passes: the pass itself, the gradients of inputs and
 * the gradients of weights.
 */
export const TRAINING_PASSES = 3;

/** Multiply-adds of one image's forward pass, convolutions and linear layer (40.6 M for ResNet-20). */
export function multiplyAdds(network: Network): number {
  return summaryRows(network).reduce((sum, row) => sum + row.multiplyAdds, 0);
}

function summaryRows(network: Network): SummaryRow[] {
  const modules = [
    ...convNormModules(network.stem),
    ...network.blocks.flatMap(blockModules),
    {
      type: 'Linear' as const,
      name: network.classifier.name,
      outputShape: [network.classifier.outFeatures],
      parameters: (network.classifier.inFeatures + 1) * network.classifier.outFeatures,
      multiplyAdds: linearMultiplyAdds(network.classifier),
    },
  ];
  return modules.map((module, position) => ({ ...module, index: position + 1 }));
}

type Module = Omit<SummaryRow, 'index'>;

/** In the order in which PyTorch's forward hooks fire: the block itself comes last. */
function blockModules(block: Block): Module[] {
  const { outChannels, outSize } = block.second.conv;
  const outputShape = [outChannels, outSize, outSize];
  const modules = [...convNormModules(block.first), ...convNormModules(block.second)];
  if (block.shortcut.kind === 'projection') {
    modules.push(...convNormModules(block.shortcut.projection));
  } else if (block.shortcut.kind === 'pad') {
    modules.push({ ...weightless('LambdaLayer', `${block.name}.shortcut`), outputShape });
  }
  modules.push({ ...weightless('BasicBlock', block.name), outputShape });
  return modules;
}

function weightless(type: ModuleType, name: string) {
  return { type, name, parameters: 0, multiplyAdds: 0 };
}

function convNormModules({ conv, norm }: ConvNorm): Module[] {
  return [convolutionModule(conv), normModule(norm, conv)];
}

function convolutionModule(conv: ConvolutionLayer): Module {
  return {
    type: 'Conv2d',
    name: conv.name,
    outputShape: [conv.outChannels, conv.outSize, conv.outSize],
    parameters: convolutionWeights(conv),
    multiplyAdds: convolutionMultiplyAdds(conv),
  };
}

function normModule(norm: BatchNormLayer, conv: ConvolutionLayer): Module {
  return {
    type: 'BatchNorm2d',
    name: norm.name,
    outputShape: [norm.channels, conv.outSize, conv.outSize],
    parameters: 2 * norm.channels,
    multiplyAdds: 0,
  };
}

/** The table as text, columns as torchsummary prints them, with PyTorch's names beside. */
export function formatSummary(summary: NetworkSummary): string {
  const nameWidth = Math.max(4, ...summary.rows.map((row) => row.name.length));
  const width = 64 + 3 + nameWidth;
  const thin = '-'.repeat(width);
  const thick = '='.repeat(width);
  const line = (layer: string, shape: string, parameters: string, name: string) =>
    `${layer.padStart(20)} ${shape.padStart(25)} ${parameters.padStart(15)}   ${name}`.trimEnd();
  return [
    thin,
    line('Layer (type)', 'Output Shape', 'Param #', 'Name'),
    thick,
    ...summary.rows.map((row) =>
      line(
        `${row.type}-${row.index}`,
        `[-1, ${row.outputShape.join(', ')}]`,
        formatCount(row.parameters),
        row.name,
      ),
    ),
    thick,
    `Total params: ${formatCount(summary.parameters)}`,
    `Trainable params: ${formatCount(summary.parameters)}`,
    'Non-trainable params: 0',
    thin,
    `Input size (MB): ${summary.inputMegabytes.toFixed(2)}`,
    `Forward/backward pass size (MB): ${summary.forwardBackwardMegabytes.toFixed(2)}`,
    `Params size (MB): ${summary.parametersMegabytes.toFixed(2)}`,
    `Estimated Total Size (MB): ${summary.totalMegabytes.toFixed(2)}`,
    thin,
    `Weighted layers: ${summary.layers} in ${summary.blocks} blocks`,
    `Multiply-adds per image: ${formatMillions(summary.multiplyAdds)}`,
    thin,
  ].join('\n');
}

/** One line a network: the columns of `table6 summary --all`. */
export function formatSummaryList(summaries: readonly NetworkSummary[]): string {
  const line = (columns: readonly string[]) =>
    columns
      .map((column, index) => (index === 0 ? column.padEnd(12) : column.padStart(16)))
      .join('');
  return [
    line(['network', 'layers', 'blocks', 'parameters', 'multiply-adds']),
    ...summaries.map((summary) =>
      line([
        summary.arch,
        String(summary.layers),
        String(summary.blocks),
        formatCount(summary.parameters),
        formatMillions(summary.multiplyAdds),
      ]),
    ),
  ].join('\n');
}

function formatMillions(count: number): string {
  const millions = count / 1e6;
  const digits = millions < 1000 ? 1 : 0;
  return `${millions.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })} M`;
}
