// Small programs that between them have every kind of kernel that the networks of Table 6 have, for the
// comparison of register widths.

import { lowerInference } from '../../../src/engine/lower-infer.ts';
import { lowerTraining, type TrainingOptions } from '../../../src/engine/lower-train.ts';
import type { KernelSpec } from '../../../src/engine/wasm/kernels/kernel.ts';
import { planExecutable } from '../../../src/engine/wasm/plan-executable.ts';
import type { ConvolutionAlgorithm } from '../../../src/engine/wasm/protocol.ts';
import { createNetwork, type Network } from '../../../src/nn/network.ts';

export const ALGORITHMS: readonly ConvolutionAlgorithm[] = ['winograd4', 'winograd2', 'direct'];

export interface WidthProgram extends Pick<TrainingOptions, 'memory' | 'freeze'> {
  readonly arch: string;
  readonly shortcut?: 'A' | 'B';
}

export const WIDTH_PROGRAMS: readonly WidthProgram[] = [
  { arch: 'resnet8', shortcut: 'A', memory: 'keep' },
  { arch: 'resnet14', shortcut: 'A', memory: 'keep' },
  { arch: 'plain8', memory: 'keep' },
  { arch: 'resnet8', shortcut: 'B', memory: 'recompute' },
  { arch: 'resnet8', shortcut: 'B', memory: 'keep', freeze: 'layer1' },
];

export function networkOf({ arch, shortcut }: WidthProgram): Network {
  return createNetwork(arch, { shortcut });
}

/** Kinds of kernels of a training step and an evaluation: what their specs say apart from sizes. */
export function kernelKinds(
  program: WidthProgram,
  algorithm: ConvolutionAlgorithm,
  batchSize: number,
): Set<string> {
  const { memory, freeze } = program;
  const network = networkOf(program);
  const programs = [
    lowerTraining(network, { batchSize, memory, freeze }),
    lowerInference(network, { batchSize }),
  ];
  const specs = programs.flatMap((each) => planExecutable(each, algorithm, 1).specs);
  return new Set(specs.map(kindOf));
}

const KINDS = ['epilogue', 'staging', 'destination', 'keep', 'tile', 'stride', 'kernel'];

function kindOf({ family, shape }: KernelSpec): string {
  const facts = Object.entries(shape).filter(([name]) => KINDS.includes(name));
  return [family, ...facts.map(([name, value]) => `${name} ${value}`)].join(', ');
}
