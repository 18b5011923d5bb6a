// From a network to its training program: forward pass, backward pass, update. With
// `memory: 'recompute'` the backward pass runs each block's convolutions again, and only the block
// outputs stay in memory between the passes.

import { convNormLayers, type Network, type Stage } from '../nn/network.ts';
import type { Backend } from './backend.ts';
import { ProgramBuilder } from './builder.ts';
import { lowerBackward } from './lower-backward.ts';
import { type ForwardPass, lowerForward } from './lower-forward.ts';
import type { Optimizer } from './optimizers.ts';
import type { ConvolutionGeometry, ParameterOffset, Program } from './program.ts';

/** Whether a training step keeps its activations or computes them again. */
export type Activations = 'keep' | 'recompute';

/** 'auto' keeps activations where the backend has room for them. */
export type MemoryMode = 'auto' | Activations;

export interface TrainingOptions {
  /** Images in a full batch. */
  readonly batchSize: number;
  /** Share of the target taken from the label and spread over all classes (default 0). */
  readonly labelSmoothing?: number;
  /** Default 'keep'. The bits are the same. */
  readonly memory?: Activations;
  /**
   * The last stage that does not change; default none. Its batch norms and those before it use their
   * running statistics, as in evaluation, and keep them.
   */
  readonly freeze?: Stage;
  /** Nesterov's momentum instead of the plain one (default false). */
  readonly nesterov?: boolean;
  /** What updates the filters of convolutions (default 'sgd'); all else is updated by SGD. */
  readonly optimizer?: Optimizer;
}

/** Compiles a network to one step of the optimizer on a batch. */
export function lowerTraining(network: Network, options: TrainingOptions): Program {
  const builder = new ProgramBuilder(network, options.batchSize, 'train');
  const forward = lowerForward(builder, options.freeze);
  lowerBackward(builder, forward, options.memory === 'recompute');
  const from = firstTrained(builder, forward);
  const { nesterov = false, optimizer = 'sgd' } = options;
  builder.body.push(
    optimizer === 'muon'
      ? { kind: 'muon', from, matrices: trainedConvolutions(builder, from), nesterov }
      : { kind: 'sgd', from, nesterov },
  );
  return builder.finish('train', options.labelSmoothing ?? 0);
}

/**
 * Compiles a network to one step of the optimizer on a batch, as a backend has room for it.
 * @param options.memory default 'auto': activations are kept where that fits on the backend
 */
export async function lowerTrainingFor(
  backend: Pick<Backend, 'plan'>,
  network: Network,
  options: Omit<TrainingOptions, 'memory'> & { readonly memory?: MemoryMode },
): Promise<Program> {
  const { memory = 'auto' } = options;
  if (memory !== 'auto') return lowerTraining(network, { ...options, memory });
  const keeping = lowerTraining(network, { ...options, memory: 'keep' });
  const { fits } = await backend.plan(keeping);
  return fits ? keeping : lowerTraining(network, { ...options, memory: 'recompute' });
}

/** The first parameter that is trained; all behind it are. */
function firstTrained(builder: ProgramBuilder, forward: ForwardPass): ParameterOffset {
  if (forward.stemOutput !== undefined) return 0;
  const block = builder.network.blocks[forward.firstBlock];
  return block ? builder.geometryOf(block.first).weight : builder.linearGeometry().weight;
}

function trainedConvolutions(
  builder: ProgramBuilder,
  from: ParameterOffset,
): ConvolutionGeometry[] {
  return convNormLayers(builder.network)
    .map((layer) => builder.geometryOf(layer))
    .filter(({ weight }) => weight >= from);
}
