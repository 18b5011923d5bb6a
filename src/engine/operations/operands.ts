// What operations are made of: places in the program's buffers, and operands that are made while they
// are read. Cheap things are recomputed rather than stored: an operand can be relu(norm(y) +
// shortcut) (`Activation`), and the gradient that enters a convolution is made from dz and y by batch
// normalisation's backward formula in the same way (`OutputGradient`).
//
// y is a convolution's output, x the (kept) output of a block, dz the gradient with respect to the
// input of a ReLU.

import type { ConvolutionLayer } from '../../nn/network.ts';

/** Index into `Program.buffers`. */
export type BufferId = number;
/** Index into `Program.norms`. */
export type NormId = number;
/** First element of a tensor inside the flat parameter, gradient and momentum buffers. */
export type ParameterOffset = number;

/** A convolution of the network, and where its weight lies. */
export interface ConvolutionGeometry extends ConvolutionLayer {
  /** Offset of the weight [kh][kw][in][out] in the flat parameters (and of its gradient). */
  readonly weight: ParameterOffset;
}

/**
 * A batch normalisation. A backend keeps for each: batch sums, scale and shift of the forward pass
 * (norm(y) = scale·y + shift), and the coefficients of the backward pass (dy = k1·dz + k2·y + k3).
 */
export interface NormSpec {
  readonly name: string;
  readonly channels: number;
  /** Height and width of the maps it normalises; a batch has count·size² values a channel. */
  readonly size: number;
  readonly gamma: ParameterOffset;
  readonly beta: ParameterOffset;
  /** Offsets in the flat running-statistics buffer. */
  readonly runningMean: number;
  readonly runningVariance: number;
}

/** What is added to norm(y) before a block's last ReLU. */
export type Shortcut =
  | { readonly kind: 'identity'; readonly x: BufferId }
  /** Option A: x at every second row and column, its channels from `channelsBefore` on. */
  | {
      readonly kind: 'pad';
      readonly x: BufferId;
      readonly inChannels: number;
      readonly channelsBefore: number;
    }
  /** Option B while training: norm(y) of the projection. */
  | { readonly kind: 'projection'; readonly y: BufferId; readonly norm: NormId };

/** An operand that is made while it is read. */
export type Activation =
  /** Bytes of the data set, cropped, flipped and normalised (see `BatchInputs`). */
  | { readonly kind: 'image' }
  | { readonly kind: 'buffer'; readonly x: BufferId }
  /** relu(scale·y + shift [+ shortcut]); stored in `keep` as well where that is given. */
  | {
      readonly kind: 'normalized';
      readonly y: BufferId;
      readonly norm: NormId;
      readonly shortcut?: Shortcut;
      readonly keep?: BufferId;
    };

/** The gradient that enters a convolution from above: k1·dz + k2·y + k3 of `norm`. */
export interface OutputGradient {
  readonly dz: BufferId;
  readonly y: BufferId;
  readonly norm: NormId;
}

/** Where a ReLU let its input through. */
export type ReluGate =
  /** scale·y + shift > 0 */
  | { readonly kind: 'normalized'; readonly y: BufferId; readonly norm: NormId }
  /** x > 0, x being the ReLU's kept output */
  | { readonly kind: 'buffer'; readonly x: BufferId };

/** What the shortcut adds to the gradient of a block's input. */
export type ShortcutGradient =
  /** Same shape: dz of the block's output, or the gradient that came through the projection. */
  | { readonly kind: 'identity'; readonly dz: BufferId }
  /** Adjoint of the 'pad' shortcut: dz's channels from `channelsBefore` on, to even positions. */
  | {
      readonly kind: 'pad';
      readonly dz: BufferId;
      readonly outChannels: number;
      readonly channelsBefore: number;
    };

/** Sums over the batch of dz and dz·y, from which `normGradient` makes the coefficients. */
export interface GradientSums {
  readonly norm: NormId;
  readonly y: BufferId;
}

/**
 * The gradient of a convolution's input: (convolutionᵀ(dy) + shortcut) · gate, stored in `output`
 * (which may be the shortcut's own buffer), with sums for the norms that made that input.
 */
export interface InputGradient {
  readonly output: BufferId;
  readonly shortcut?: ShortcutGradient;
  readonly gate?: ReluGate;
  readonly sums: readonly GradientSums[];
}

/** The buffers that are read to make an operand. */
export function activationReads(activation: Activation): readonly BufferId[] {
  switch (activation.kind) {
    case 'image':
      return [];
    case 'buffer':
      return [activation.x];
    case 'normalized':
      return [activation.y, ...shortcutReads(activation.shortcut)];
    default:
      throw new Error(`unknown activation ${activation satisfies never}`);
  }
}

/** The buffer that an operand is kept in, if it is. */
export function activationWrites(activation: Activation): readonly BufferId[] {
  const { keep } = activation.kind === 'normalized' ? activation : {};
  return keep === undefined ? [] : [keep];
}

export function shortcutReads(shortcut: Shortcut | undefined): readonly BufferId[] {
  if (!shortcut) return [];
  return [shortcut.kind === 'projection' ? shortcut.y : shortcut.x];
}

export function gateReads(gate: ReluGate | undefined): readonly BufferId[] {
  if (!gate) return [];
  return [gate.kind === 'normalized' ? gate.y : gate.x];
}

export function sumReads(sums: readonly GradientSums[]): readonly BufferId[] {
  return sums.map(({ y }) => y);
}
