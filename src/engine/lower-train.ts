// From a network to its training program: forward pass, backward pass, update. With
// `memory: 'recompute'` the backward pass runs each block's convolutions again, and only the block
// outputs stay in memory between the passes.

import type { Network, Stage } from '../nn/network.ts';
import { ProgramBuilder } from './builder.ts';
import { lowerBackward } from './lower-backward.ts';
import { type ForwardPass, lowerForward } from './lower-forward.ts';
import type { ParameterOffset, Program } from './program.ts';

export type MemoryMode = 'auto' | 'keep' | 'recompute';

export interface TrainingOptions {
  /** Images in a full batch. */
  readonly batchSize: number;
  /** Share of the target taken from the label and spread over all classes (default 0). */
  readonly labelSmoothing?: number;
  /** 'auto' (default) keeps activations if they fit in `memoryLimit`, and recomputes otherwise. */
  readonly memory?: MemoryMode;
  /**
   * The last stage that does not change; default none. Its batch norms and those before it use their
   * running statistics, as in evaluation, and keep them.
   */
  readonly freeze?: Stage;
  /** Bytes; default 3.5 GiB, which leaves a 32-bit WebAssembly memory room for scratch. */
  readonly memoryLimit?: number;
}

const DEFAULT_MEMORY_LIMIT = 3.5 * 2 ** 30;

/** Compiles a network to one SGD step on a batch. */
export function lowerTraining(network: Network, options: TrainingOptions): Program {
  const { memory = 'auto', memoryLimit = DEFAULT_MEMORY_LIMIT } = options;
  const keep = memory === 'recompute' ? undefined : lower(network, options, false);
  if (keep && (memory === 'keep' || keep.bytes <= memoryLimit)) return keep;
  return lower(network, options, true);
}

function lower(network: Network, options: TrainingOptions, recompute: boolean): Program {
  const builder = new ProgramBuilder(network, options.batchSize, 'train');
  const forward = lowerForward(builder, options.freeze);
  lowerBackward(builder, forward, recompute);
  builder.body.push({ kind: 'sgd', from: firstTrained(builder, forward) });
  return builder.finish('train', options.labelSmoothing ?? 0);
}

/** The first parameter that is trained; all behind it are. */
function firstTrained(builder: ProgramBuilder, forward: ForwardPass): ParameterOffset {
  if (forward.stemOutput !== undefined) return 0;
  const block = builder.network.blocks[forward.firstBlock];
  return block ? builder.geometryOf(block.first).weight : builder.linearGeometry().weight;
}
