// What training, evaluation and prediction all do with an executable: give it weights and
// normalisation, move weights from one to another, and yield to the host between steps.

import type { Normalization } from '../data/normalization.ts';
import type { Backend, Executable, ExecutableState } from '../engine/backend.ts';
import { normalizationValues } from '../engine/inputs.ts';
import { hasSameLayout, packTensors, unpackTensors } from '../engine/layout.ts';
import { lowerInference } from '../engine/lower-infer.ts';
import type { Network } from '../nn/network.ts';
import { checkWeights } from '../nn/parameters.ts';
import type { NamedTensors } from '../util/tensor.ts';
import type { ExecutableStates } from './state.ts';

/** Gives an executable its parameters, running statistics and normalisation. */
export async function writeWeights(
  executable: Executable,
  weights: NamedTensors,
  normalization: Normalization,
): Promise<void> {
  const { program } = executable;
  await executable.write('parameters', packTensors(program, 'parameters', weights));
  await executable.write('running', packTensors(program, 'running', weights));
  await executable.write('normalization', normalizationValues(normalization));
}

/**
 * Gives a training executable all that SGD goes on from.
 * @param momentum zeros where it is not given, as in PyTorch before the first step
 */
export async function writeTraining(
  executable: Executable,
  weights: NamedTensors,
  normalization: Normalization,
  momentum?: NamedTensors,
): Promise<void> {
  const { program } = executable;
  await writeWeights(executable, weights, normalization);
  const zeros = () => new Float32Array(program.buffers[program.named.parameters]!.elements);
  const values = momentum ? packTensors(program, 'parameters', momentum) : zeros();
  await executable.write('momentum', values);
}

/** Copies of all that SGD goes on from: parameters and running statistics; momentum buffers. */
export async function readTraining(
  executable: Executable,
): Promise<{ weights: NamedTensors; momentum: NamedTensors }> {
  const { program } = executable;
  const parameters = unpackTensors(program, 'parameters', await executable.read('parameters'));
  const running = unpackTensors(program, 'running', await executable.read('running'));
  const momentum = unpackTensors(program, 'parameters', await executable.read('momentum'));
  return { weights: new Map([...parameters, ...running]), momentum };
}

/** The last batch's gradients of what is trained, by parameter name. */
export async function readGradients(executable: Executable): Promise<NamedTensors> {
  const { program } = executable;
  const gradients = unpackTensors(program, 'parameters', await executable.read('gradients'));
  const [first] = program.body.flatMap((operation) =>
    'from' in operation ? [operation.from] : [],
  );
  for (const { name, buffer, offset } of program.slots) {
    if (buffer === 'parameters' && offset < (first ?? 0)) gradients.delete(name);
  }
  return gradients;
}

/** What executables hold beside their buffers; undefined where that is nothing. */
export async function executableStates(
  train: Executable,
  infer: ExecutableState | undefined,
): Promise<ExecutableStates | undefined> {
  const states = { train: await train.readState?.(), infer };
  const held = Object.entries(states).filter(([, state]) => Object.keys(state ?? {}).length > 0);
  return held.length === 0 ? undefined : Object.fromEntries(held);
}

/**
 * Copies parameters and running statistics between two executables of one network; as they lie where both
 * have the same layout.
 */
export async function copyWeights(from: Executable, to: Executable): Promise<void> {
  for (const buffer of ['parameters', 'running'] as const) {
    if (hasSameLayout(from.program, to.program, buffer)) {
      if (to.copy) await to.copy(buffer, from);
      else await to.write(buffer, await from.read(buffer));
      continue;
    }
    const tensors = unpackTensors(from.program, buffer, await from.read(buffer));
    await to.write(buffer, packTensors(to.program, buffer, tensors));
  }
}

/** Compiles a network for inference and gives it its weights. */
export async function createInference(
  backend: Backend,
  network: Network,
  weights: NamedTensors,
  normalization: Normalization,
  batchSize: number,
): Promise<Executable> {
  checkWeights(network, weights, 'What was loaded');
  const executable = await backend.compile(lowerInference(network, { batchSize }));
  await writeWeights(executable, weights, normalization);
  return executable;
}

/** A host that waits no longer than this draws, and hears signals, in time. */
const YIELD_MILLISECONDS = 50;

/**
 * Makes a function that lets the host do other things (signals, drawing) when it has not been able
 * to for a while: a backend on the calling thread finishes a step without ever giving way.
 */
export function createYielder(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < YIELD_MILLISECONDS) return;
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    last = performance.now();
  };
}
