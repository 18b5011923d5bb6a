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

/** Places in the flat parameters. */
export interface ParameterRange {
  readonly from: ParameterOffset;
  /** One after the last. */
  readonly end: ParameterOffset;
}

/** A convolution of the network, and where its weight lies. */
export interface ConvolutionGeometry extends ConvolutionLayer {
  /** Offset of the weight [kh][kw][in][out] in the flat parameters (and of its gradient). */
  readonly weight: ParameterOffset;
}

/** Maps of an image: height and width, and how many. */
export interface MapShape {
  readonly size: number;
  readonly channels: number;
}

/** What a convolution reads. */
export function inputShape({ inSize, inChannels }: ConvolutionLayer): MapShape {
  return { size: inSize, channels: inChannels };
}

/** What it makes. */
export function outputShape({ outSize, outChannels }: ConvolutionLayer): MapShape {
  return { size: outSize, channels: outChannels };
}

/** The linear layer, and where its tensors lie; the weight is [out][in]. */
export interface LinearGeometry {
  readonly weight: ParameterOffset;
  readonly bias: ParameterOffset;
  readonly inFeatures: number;
  readonly outFeatures: number;
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

/** A convolution's output, and the norm that it goes into. */
interface NormInput {
  readonly y: BufferId;
  readonly norm: NormId;
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
  | ({ readonly kind: 'projection' } & NormInput);

/** An operand that is made while it is read. */
export type Activation =
  /** Bytes of the data set, cropped, flipped and normalised (see `BatchInputs`). */
  | { readonly kind: 'image' }
  | { readonly kind: 'buffer'; readonly x: BufferId }
  /** relu(scale·y + shift [+ shortcut]); stored in `keep` as well where that is given. */
  | (NormInput & {
      readonly kind: 'normalized';
      readonly shortcut?: Shortcut;
      readonly keep?: BufferId;
    });

/** The gradient that enters a convolution from above: k1·dz + k2·y + k3 of `norm`. */
export interface OutputGradient extends NormInput {
  readonly dz: BufferId;
}

/** Where a ReLU let its input through. */
export type ReluGate =
  /** scale·y + shift > 0 */
  | ({ readonly kind: 'normalized' } & NormInput)
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
export type GradientSums = NormInput;

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
  return shortcut ? [sourceOf(shortcut)] : [];
}

export function gateReads(gate: ReluGate | undefined): readonly BufferId[] {
  return gate ? [sourceOf(gate)] : [];
}

/** The buffer that a shortcut or a gate is made of. */
function sourceOf(operand: Shortcut | ReluGate): BufferId {
  return 'y' in operand ? operand.y : operand.x;
}

export function sumReads(sums: readonly GradientSums[]): readonly BufferId[] {
  return sums.map(({ y }) => y);
}
