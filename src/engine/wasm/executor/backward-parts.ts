// What the backward pass of a convolution is made of, for the algorithms that share it.

import type { ConvolutionGeometry, InputGradient } from '../../program.ts';
import type { EpilogueCall } from './convolve.ts';
import type { StageImage } from './staging.ts';
import type { BlockSums } from './sums.ts';
import type { PreparedWeights } from './weights.ts';

/** Everything one block needs, whatever the algorithm. */
export interface BackwardParts {
  readonly conv: ConvolutionGeometry;
  readonly stageInput: StageImage;
  readonly stageGradient: StageImage;
  /** Weight gradient of block b: slot + b * stride. */
  readonly slot: number;
  readonly weights?: PreparedWeights;
  readonly inputGradient?: InputGradient;
  readonly epilogue: EpilogueCall;
  /** After each image or group whose input gradient is stored. */
  readonly sums: readonly BlockSums[];
  /** Σdz·y for a second norm under the same gradient. */
  readonly secondSums: (image: number) => void;
}
