// The cases of the conformance suite: tiny networks of every kind, and what they are trained on.
// Every backend runs the same ones; they differ in the tolerances they state.
//
// What a step computes forward is continuous in its inputs, but the gradient is not: a value that lies
// within rounding error of a ReLU's zero can have another sign than in float64, and then one unit's
// gradient (about 1e-3 of the whole) comes or goes. The cases are ones in which that does not happen
// to the wasm backend, whose arithmetic is the same everywhere.

import { IMAGE_BYTES } from '../../src/data/dataset.ts';
import type { BatchInputs } from '../../src/engine/backend.ts';
import type { Activations } from '../../src/engine/lower-train.ts';
import type { Optimizer } from '../../src/engine/optimizers.ts';
import type { Stage } from '../../src/nn/network.ts';
import { randomStream } from '../../src/util/random.ts';

export interface ConformanceCase {
  readonly arch: string;
  readonly shortcut?: 'A' | 'A-end' | 'B';
  readonly classes: number;
  readonly memory?: Activations;
  readonly labelSmoothing?: number;
  /** Means that differ from pixel to pixel. */
  readonly perPixelMean?: boolean;
  /** The last stage that is not trained. */
  readonly freeze?: Stage;
  readonly nesterov?: boolean;
  readonly optimizer?: Optimizer;
  readonly seed: number;
}

export const CONFORMANCE_CASES: readonly ConformanceCase[] = [
  { arch: 'resnet8', shortcut: 'A', classes: 10, seed: 1 },
  { arch: 'resnet8', shortcut: 'B', classes: 3, labelSmoothing: 0.1, seed: 1 },
  { arch: 'resnet8', shortcut: 'A-end', classes: 3, seed: 4 },
  { arch: 'plain8', classes: 10, perPixelMean: true, nesterov: true, seed: 2 },
  { arch: 'resnet14', shortcut: 'A', classes: 3, memory: 'recompute', seed: 3 },
  { arch: 'resnet14', shortcut: 'B', classes: 10, memory: 'recompute', seed: 1 },
  { arch: 'resnet8', shortcut: 'B', classes: 3, freeze: 'layer1', seed: 1 },
  { arch: 'resnet8', shortcut: 'A', classes: 10, freeze: 'layer2', seed: 1 },
  { arch: 'resnet8', shortcut: 'B', classes: 10, optimizer: 'muon', nesterov: true, seed: 1 },
  { arch: 'resnet8', shortcut: 'A', classes: 10, optimizer: 'muon', freeze: 'layer1', seed: 1 },
];

/** What a case is, for people. */
export function titleOf(test: ConformanceCase): string {
  const { arch, shortcut, classes, memory, labelSmoothing, perPixelMean, freeze, nesterov } = test;
  const { optimizer } = test;
  const facts = [
    arch + (shortcut ? ` with shortcut ${shortcut}` : ''),
    `${classes} classes`,
    memory === 'recompute' ? 'activations recomputed' : '',
    freeze ? `frozen up to ${freeze}` : '',
    labelSmoothing ? `label smoothing ${labelSmoothing}` : '',
    perPixelMean ? 'a mean a pixel' : '',
    nesterov ? "Nesterov's momentum" : '',
    optimizer === 'muon' ? 'Muon' : '',
  ];
  return facts.filter((fact) => fact !== '').join(', ');
}

/** Random bytes and labels, crops beyond every border, flips. */
export function randomBatch(classes: number, batchSize: number, seed: number): BatchInputs {
  const random = randomStream(seed, 'batch');
  const integers = (length: number, bound: number) =>
    Array.from({ length }, () => random.integer(bound));
  return {
    count: batchSize,
    images: Uint8Array.from(integers(batchSize * IMAGE_BYTES, 256)),
    labels: Int32Array.from(integers(batchSize, classes)),
    augmentation: Int32Array.from(integers(batchSize, 9 * 9 * 2), (code) => code).reduce(
      (crops, code, i) => {
        crops.set([code % 9, Math.floor(code / 9) % 9, Math.floor(code / 81)], 3 * i);
        return crops;
      },
      new Int32Array(3 * batchSize),
    ),
  };
}

/** Factors and biases as a program wants them. */
export function testNormalization(perPixelMean: boolean): Float32Array {
  const random = randomStream(3, 'normalization');
  const channel = [-2.1, -2.0, -1.8];
  return Float32Array.from({ length: 3 + IMAGE_BYTES }, (_, i) => {
    if (i < 3) return 0.016 + 0.001 * i;
    return channel[i % 3]! + (perPixelMean ? random.uniform() : 0);
  });
}
