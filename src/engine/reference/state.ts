// What the reference operations share: every buffer as float64, and for each batch normalisation its
// sums and coefficients. Slow, obvious and exact enough to be the oracle for all other backends.

import type { BatchInputs } from '../backend.ts';
import {
  type BufferId,
  type NormId,
  type NormSpec,
  namedBuffer,
  type Program,
  type ProgramBuffers,
} from '../program.ts';

/** A batch normalisation's working values, one a channel. */
export interface NormState {
  readonly spec: NormSpec;
  /** Σy, Σy² of the forward pass; Σdz, Σdz·y of the backward pass. */
  readonly sum: Float64Array;
  readonly sumOfSquares: Float64Array;
  readonly gradientSum: Float64Array;
  readonly gradientProductSum: Float64Array;
  readonly mean: Float64Array;
  readonly inverseDeviation: Float64Array;
  /** norm(y) = scale·y + shift */
  readonly scale: Float64Array;
  readonly shift: Float64Array;
  /** dy = k1·dz + k2·y + k3 */
  readonly k1: Float64Array;
  readonly k2: Float64Array;
  readonly k3: Float64Array;
}

export interface ReferenceState {
  readonly program: Program;
  readonly buffers: readonly Float64Array[];
  readonly norms: readonly NormState[];
  /** The batch being run. */
  batch: BatchInputs;
  lossSum: number;
  correctTop1: number;
  correctTop5: number;
}

export function createState(program: Program): ReferenceState {
  return {
    program,
    buffers: program.buffers.map(({ elements }) => new Float64Array(elements)),
    norms: program.norms.map((spec) => {
      const channel = () => new Float64Array(spec.channels);
      return {
        spec,
        sum: channel(),
        sumOfSquares: channel(),
        gradientSum: channel(),
        gradientProductSum: channel(),
        mean: channel(),
        inverseDeviation: channel(),
        scale: channel(),
        shift: channel(),
        k1: channel(),
        k2: channel(),
        k3: channel(),
      };
    }),
    batch: {
      count: 0,
      images: new Uint8Array(0),
      labels: new Int32Array(0),
      augmentation: new Int32Array(0),
    },
    lossSum: 0,
    correctTop1: 0,
    correctTop5: 0,
  };
}

export function bufferOf(state: ReferenceState, id: BufferId): Float64Array {
  return state.buffers[id] as Float64Array;
}

export function normOf(state: ReferenceState, id: NormId): NormState {
  return state.norms[id] as NormState;
}

/** A buffer by its meaning. */
export function namedOf(state: ReferenceState, name: keyof ProgramBuffers): Float64Array {
  return bufferOf(state, namedBuffer(state.program, name));
}
