// What a backend makes of a case, and how far that is from what the float64 oracle makes of it:
// training steps on batches of different size, then an evaluation. Each step begins with the oracle's
// weights, so that errors do not grow from step to step. Nothing here belongs to a test runner or to
// a host, so that a page in a browser runs the same cases.

import type { Backend, BatchInputs, BatchMetrics } from '../../src/engine/backend.ts';
import { packTensors } from '../../src/engine/layout.ts';
import { lowerInference } from '../../src/engine/lower-infer.ts';
import { lowerTraining } from '../../src/engine/lower-train.ts';
import type { Program } from '../../src/engine/program.ts';
import { createReferenceBackend } from '../../src/engine/reference/backend.ts';
import { initializeWeights } from '../../src/nn/initialize.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { type Deviation, distance } from '../support/deviations.ts';
import { type ConformanceCase, randomBatch, testNormalization, titleOf } from './cases.ts';

/** Bounds on ‖backend − oracle‖ / ‖oracle‖, except `loss`: per image, absolute. */
export interface ConformanceTolerances {
  readonly loss: number;
  /** Of each tensor's gradient, and of its momentum after the step. */
  readonly gradient: number;
  /** Of each running statistic, and of all parameters, after the step. */
  readonly state: number;
  readonly logits: number;
}

const BATCH_SIZE = 8;
/** A short batch, a full one, and one so short that rows of the full one are left beside it. */
export const COUNTS = [5, 8, 2];
const STATE = ['parameters', 'running', 'momentum'] as const;
/** Muon's decay is larger, so that its place shows. */
const MUON = { learningRate: 0.02, weightDecay: 0.1 };
const SGD = { learningRate: 0.02, momentum: 0.9, weightDecay: 1e-3, muon: MUON };

/** A training program's values before or after a step. */
interface State {
  readonly parameters: Float32Array;
  readonly running: Float32Array;
  readonly momentum: Float32Array;
}

interface Step {
  readonly before: State;
  readonly after: State;
  readonly gradients: Float32Array;
  readonly metrics: BatchMetrics;
  readonly logits: Float32Array;
}

export interface Outcome {
  readonly program: Program;
  /** One for each of `COUNTS`. */
  readonly steps: readonly Step[];
  readonly evaluation: { readonly metrics: BatchMetrics; readonly logits: Float32Array };
}

/** Training steps and an evaluation; from the same states as `oracle`, where that is given. */
export async function outcomeOf(
  backend: Backend,
  test: ConformanceCase,
  oracle?: Outcome,
): Promise<Outcome> {
  const { arch, shortcut, classes, memory, labelSmoothing, freeze, nesterov, optimizer, seed } =
    test;
  const network = createNetwork(arch, { shortcut, classes });
  const program = lowerTraining(network, {
    batchSize: BATCH_SIZE,
    memory,
    labelSmoothing,
    freeze,
    nesterov,
    optimizer,
  });
  const executable = await backend.compile(program);
  const initial = initializeWeights(network, seed);
  const normalization = testNormalization(test.perPixelMean ?? false);
  await executable.write('normalization', normalization);
  let state: State = {
    parameters: packTensors(program, 'parameters', initial),
    running: packTensors(program, 'running', initial),
    momentum: await executable.read('momentum'),
  };
  const steps: Step[] = [];
  for (const [i, count] of COUNTS.entries()) {
    const before = oracle ? oracle.steps[i]!.before : state;
    for (const name of STATE) await executable.write(name, before[name]);
    const batch = randomBatch(classes, BATCH_SIZE, 100 * seed + i);
    const metrics = await executable.run({ ...batch, count, sgd: SGD });
    const gradients = await executable.read('gradients');
    const logits = (await executable.read('logits')).slice(0, count * classes);
    state = {
      parameters: await executable.read('parameters'),
      running: await executable.read('running'),
      momentum: await executable.read('momentum'),
    };
    steps.push({ before, after: state, gradients, metrics, logits });
  }
  await executable.dispose();

  const evaluator = await backend.compile(lowerInference(network, { batchSize: BATCH_SIZE }));
  const trained = oracle ? oracle.steps.at(-1)!.after : state;
  await evaluator.write('normalization', normalization);
  await evaluator.write('parameters', trained.parameters);
  await evaluator.write('running', trained.running);
  const count = COUNTS[0]!;
  const metrics = await evaluator.run({ ...randomBatch(classes, BATCH_SIZE, seed), count });
  const logits = (await evaluator.read('logits')).slice(0, count * classes);
  await evaluator.dispose();
  return { program, steps, evaluation: { metrics, logits } };
}

const oracleOutcomes = new Map<string, Promise<Outcome>>();

/** The oracle is slow, and its outcome the same for every backend. */
export function oracleOutcome(test: ConformanceCase): Promise<Outcome> {
  const title = `${titleOf(test)} ${test.seed}`;
  const known = oracleOutcomes.get(title) ?? outcomeOf(createReferenceBackend(), test);
  oracleOutcomes.set(title, known);
  return known;
}

/** How far a step is from the oracle's, tensor by tensor, so that an error in a small one shows. */
export function stepDeviations(
  { program, steps }: Outcome,
  oracle: Outcome,
  index: number,
  { loss, gradient, state, logits }: ConformanceTolerances,
): Deviation[] {
  const [a, b] = [steps[index]!, oracle.steps[index]!];
  return [
    ...metricDeviations(a.metrics, b.metrics, loss),
    { what: 'logits', value: distance(a.logits, b.logits), bound: logits },
    ...eachTensor(program, 'parameters', 'gradient', a.gradients, b.gradients, gradient),
    ...eachTensor(program, 'running', 'statistic', a.after.running, b.after.running, state),
    ...eachTensor(program, 'parameters', 'momentum', a.after.momentum, b.after.momentum, gradient),
    {
      what: 'parameters',
      value: distance(a.after.parameters, b.after.parameters),
      bound: state,
    },
  ];
}

/** How far the evaluation is from the oracle's. */
export function evaluationDeviations(
  { evaluation: a }: Outcome,
  { evaluation: b }: Outcome,
  { loss, logits }: ConformanceTolerances,
): Deviation[] {
  return [
    ...metricDeviations(a.metrics, b.metrics, loss),
    { what: 'logits', value: distance(a.logits, b.logits), bound: logits },
  ];
}

function eachTensor(
  program: Program,
  buffer: 'parameters' | 'running',
  meaning: string,
  actual: Float32Array,
  expected: Float32Array,
  bound: number,
): Deviation[] {
  return program.slots
    .filter((slot) => slot.buffer === buffer)
    .map(({ name, offset, length }) => {
      const [a, b] = [actual, expected].map((flat) => flat.subarray(offset, offset + length));
      return { what: `${meaning} of ${name}`, value: distance(a!, b!), bound };
    });
}

function metricDeviations(a: BatchMetrics, b: BatchMetrics, loss: number): Deviation[] {
  const counts = ['count', 'correctTop1', 'correctTop5'] as const;
  return [
    ...counts.map((what) => ({ what, value: Math.abs(a[what] - b[what]), bound: 0 })),
    { what: 'loss', value: Math.abs(a.lossSum - b.lossSum) / b.count, bound: loss },
  ];
}

/** Copies of everything a training program keeps, for comparisons bit by bit. */
export async function trainedState(
  backend: Backend,
  program: Program,
  steps: readonly BatchInputs[],
): Promise<{ metrics: BatchMetrics[]; buffers: Float32Array[] }> {
  const executable = await backend.compile(program);
  const initial = initializeWeights(program.network, 5);
  await executable.write('normalization', testNormalization(false));
  await executable.write('parameters', packTensors(program, 'parameters', initial));
  await executable.write('running', packTensors(program, 'running', initial));
  const metrics: BatchMetrics[] = [];
  for (const batch of steps) metrics.push(await executable.run({ ...batch, sgd: SGD }));
  const names = ['parameters', 'running', 'gradients', 'momentum', 'logits'] as const;
  const buffers: Float32Array[] = [];
  for (const name of names) buffers.push(await executable.read(name));
  await executable.dispose();
  return { metrics, buffers };
}
