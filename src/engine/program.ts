// A program: what a network becomes for one batch size and one mode. A flat list of fused operations
// over buffers whose place in memory is already planned; no graph, no tape, no names to look up at
// run time. Every backend runs the same programs; `operations/` describes each operation, and its
// meaning is what `reference/` computes.
//
// Conventions. Activations are float32 in NHWC order. Convolution weights are [kh][kw][in][out]
// (`layout.ts` converts from PyTorch's order). An operation treats the first `count` images of a
// batch, so the short last batch runs in the same program.

import type { Network } from '../nn/network.ts';
import type { Operation } from './operations/index.ts';
import type { BufferId, NormSpec } from './operations/operands.ts';

// What operations are made of belongs to a program's vocabulary.
export type { Operation, OperationKind } from './operations/index.ts';
export type * from './operations/operands.ts';

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

/** The buffer of this meaning. @throws Error where the program has none, as one to infer has no gradients */
export function namedBuffer({ named, mode }: Program, name: keyof ProgramBuffers): BufferId {
  const id = named[name];
  if (id === undefined) throw new Error(`a program to ${mode} has no ${name}`);
  return id;
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
