// A program: what a network becomes for one batch size and one mode. A flat list of fused
// operations over buffers whose place in memory is already planned; no graph, no tape, no names to
// look up at run time. Every backend runs the same programs, and the meaning of each operation is
// what `reference/` computes.
//
// Conventions. Activations are float32 in NHWC order. Convolution weights are [kh][kw][in][out]
// (`layout.ts` converts from PyTorch's order). An operation treats the first `count` images of a
// batch, so the short last batch runs in the same program. y is a convolution's output, x the
// (kept) output of a block, dz the gradient with respect to the input of a ReLU.
//
// Cheap things are recomputed rather than stored: an operand can be relu(norm(y) + shortcut), made
// while it is being read (`Activation`), and the gradient that enters a convolution is made from dz
// and y by batch normalisation's backward formula in the same way (`OutputGradient`).

import type { ConvolutionLayer, Network } from '../nn/network.ts';

/** Index into `Program.buffers`. */
export type BufferId = number;
/** Index into `Program.norms`. */
export type NormId = number;
/** First element of a tensor inside the flat parameter, gradient and momentum buffers. */
export type ParameterOffset = number;

/** What a buffer is for; all but 'activation' live as long as the program. */
export type BufferRole =
  | 'parameters'
  | 'gradients'
  | 'momentum'
  | 'running'
  | 'input'
  | 'output'
  | 'folded'
  | 'activation';

export interface BufferSpec {
  readonly name: string;
  readonly role: BufferRole;
  readonly type: 'f32' | 'u8' | 'i32';
  /** Elements, for the whole batch where the buffer holds one row an image. */
  readonly elements: number;
  /** Elements of one image, or 0 when the buffer is not made of images. */
  readonly perImage: number;
  /** Byte offset in the program's memory, a multiple of 128; set by the memory plan. */
  readonly offset: number;
}

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

export type Operation =
  /** output = convolution(input); with `norm`, also Σy and Σy² a channel over the batch. */
  | {
      readonly kind: 'convolution';
      readonly conv: ConvolutionGeometry;
      readonly input: Activation;
      readonly output: BufferId;
      readonly norm?: NormId;
    }
  /** Batch mean and variance from the sums; scale, shift; running statistics. */
  | { readonly kind: 'normStatistics'; readonly norm: NormId }
  /** output[image][channel] = mean of input over its map. */
  | {
      readonly kind: 'globalAveragePool';
      readonly input: Activation;
      readonly size: number;
      readonly channels: number;
      readonly output: BufferId;
    }
  /** logits = pooled · weightᵀ + bias; weight is [out][in]. */
  | {
      readonly kind: 'linear';
      readonly input: BufferId;
      readonly weight: ParameterOffset;
      readonly bias: ParameterOffset;
      readonly inFeatures: number;
      readonly outFeatures: number;
      readonly output: BufferId;
    }
  /**
   * Cross-entropy of softmax(logits) with the labels, top-1 and top-5 counts (ties go to the lower
   * class), and, where `gradient` is given, its gradient with label smoothing, divided by `count`.
   */
  | {
      readonly kind: 'softmaxCrossEntropy';
      readonly logits: BufferId;
      readonly classes: number;
      readonly gradient?: BufferId;
    }
  /** Gradients of weight and bias, and dPooled = dLogits · weight. */
  | {
      readonly kind: 'linearBackward';
      readonly gradient: BufferId;
      readonly input: BufferId;
      readonly weight: ParameterOffset;
      readonly bias: ParameterOffset;
      readonly inFeatures: number;
      readonly outFeatures: number;
      readonly inputGradient: BufferId;
    }
  /** dz = dPooled / size², where x > 0; sums for the norms that made x. */
  | {
      readonly kind: 'globalAveragePoolBackward';
      readonly gradient: BufferId;
      readonly size: number;
      readonly channels: number;
      readonly gate: ReluGate;
      readonly output: BufferId;
      readonly sums: readonly GradientSums[];
    }
  /** Gradients of gamma and beta, and k1, k2, k3, from the sums. */
  | { readonly kind: 'normGradient'; readonly norm: NormId }
  /** Gradient of the weight, and of the input where `inputGradient` is given. */
  | {
      readonly kind: 'convolutionBackward';
      readonly conv: ConvolutionGeometry;
      readonly outputGradient: OutputGradient;
      readonly input: Activation;
      readonly inputGradient?: InputGradient;
    }
  /**
   * PyTorch's SGD over all parameters from `from` on, at once: v = m·v + (g + λ·w); w = w − rate·v.
   * Those before it are frozen: parameters lie in the order of the layers.
   */
  | { readonly kind: 'sgd'; readonly from: ParameterOffset }
  /** weight·scale and shift of the running statistics, into one buffer: weights, then biases. */
  | {
      readonly kind: 'foldNorm';
      readonly conv: ConvolutionGeometry;
      readonly norm: NormId;
      readonly output: BufferId;
    }
  /** output = [relu](convolution(input) with a folded weight and bias [+ shortcut]). */
  | {
      readonly kind: 'convolutionInference';
      readonly conv: ConvolutionGeometry;
      readonly folded: BufferId;
      readonly input: Activation;
      readonly shortcut?: Exclude<Shortcut, { kind: 'projection' }>;
      readonly relu: boolean;
      readonly output: BufferId;
    };

export type OperationKind = Operation['kind'];

/** The buffers that callers read and write, by meaning. */
export interface ProgramBuffers {
  readonly parameters: BufferId;
  readonly running: BufferId;
  /** Training programs only. */
  readonly gradients?: BufferId;
  readonly momentum?: BufferId;
  /** Bytes: batch × 32 × 32 × 3. */
  readonly images: BufferId;
  /** Three integers an image: rows and columns to crop from (0-8, 4 = unmoved), flip (0 or 1). */
  readonly augmentation: BufferId;
  /** One class index an image. */
  readonly labels: BufferId;
  /** Three channel factors, then 32 × 32 × 3 biases: input = byte · factor[c] + bias[y][x][c]. */
  readonly normalization: BufferId;
  readonly logits: BufferId;
}

/** Where a PyTorch tensor lives in the flat buffers. */
export interface TensorSlot {
  readonly name: string;
  /** PyTorch's shape. */
  readonly shape: readonly number[];
  readonly buffer: 'parameters' | 'running';
  readonly offset: number;
  readonly length: number;
}

export interface Program {
  readonly mode: 'train' | 'infer';
  readonly network: Network;
  /** Largest number of images in a step. */
  readonly batchSize: number;
  readonly buffers: readonly BufferSpec[];
  readonly norms: readonly NormSpec[];
  readonly slots: readonly TensorSlot[];
  readonly named: ProgramBuffers;
  /** Run once after weights were written (folding); for training, of the frozen layers alone. */
  readonly setup: readonly Operation[];
  /** Run for each batch. */
  readonly body: readonly Operation[];
  /** Bytes of all buffers with live ranges sharing memory. */
  readonly bytes: number;
  readonly labelSmoothing: number;
}
