// The conformance suite: tiny networks of every kind, trained on batches of different size and then
// evaluated, on a backend and on the float64 oracle. Every backend runs the same cases; they differ
// in the tolerances they state.
//
// Each step begins with the oracle's weights, so that errors do not grow from step to step. What a
// step computes forward is continuous in its inputs, but the gradient is not: a value that lies
// within rounding error of a ReLU's zero can have another sign than in float64, and then one unit's
// gradient (about 1e-3 of the whole) comes or goes. The cases are ones in which that does not happen
// to the wasm backend, whose arithmetic is the same everywhere.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IMAGE_BYTES } from '../../src/data/dataset.ts';
import type { Backend, BatchInputs, BatchMetrics } from '../../src/engine/backend.ts';
import { packTensors } from '../../src/engine/layout.ts';
import { lowerInference } from '../../src/engine/lower-infer.ts';
import { lowerTraining, type MemoryMode } from '../../src/engine/lower-train.ts';
import type { Program } from '../../src/engine/program.ts';
import { createReferenceBackend } from '../../src/engine/reference/backend.ts';
import { initializeWeights } from '../../src/nn/initialize.ts';
import { createNetwork, type Stage } from '../../src/nn/network.ts';
import { randomStream } from '../../src/util/random.ts';

/** Bounds on ‖backend − oracle‖ / ‖oracle‖, except `loss`: per image, absolute. */
export interface ConformanceTolerances {
  readonly loss: number;
  /** Of each tensor's gradient, and of its momentum after the step. */
  readonly gradient: number;
  /** Of each running statistic, and of all parameters, after the step. */
  readonly state: number;
  readonly logits: number;
}

export interface ConformanceCase {
  readonly arch: string;
  readonly shortcut?: 'A' | 'B';
  readonly classes: number;
  readonly memory?: MemoryMode;
  readonly labelSmoothing?: number;
  /** Means that differ from pixel to pixel. */
  readonly perPixelMean?: boolean;
  /** The last stage that is not trained. */
  readonly freeze?: Stage;
  readonly seed: number;
}

export const CONFORMANCE_CASES: readonly ConformanceCase[] = [
  { arch: 'resnet8', shortcut: 'A', classes: 10, seed: 1 },
  { arch: 'resnet8', shortcut: 'B', classes: 3, labelSmoothing: 0.1, seed: 1 },
  { arch: 'plain8', classes: 10, perPixelMean: true, seed: 2 },
  { arch: 'resnet14', shortcut: 'A', classes: 3, memory: 'recompute', seed: 3 },
  { arch: 'resnet14', shortcut: 'B', classes: 10, memory: 'recompute', seed: 1 },
  { arch: 'resnet8', shortcut: 'B', classes: 3, freeze: 'layer1', seed: 1 },
  { arch: 'resnet8', shortcut: 'A', classes: 10, freeze: 'layer2', seed: 1 },
];

const BATCH_SIZE = 8;
/** A short batch, a full one, and one so short that rows of the full one are left beside it. */
const COUNTS = [5, 8, 2];
const STATE = ['parameters', 'running', 'momentum'] as const;
const SGD = { learningRate: 0.02, momentum: 0.9, weightDecay: 1e-3 };

/** Random bytes and labels, crops beyond every border, flips. */
export function randomBatch(classes: number, batchSize: number, seed: number): BatchInputs {
  const random = randomStream(seed, 'batch');
  const integers = (length: number, bound: number) =>
    Array.from({ length }, () => random.integer(bound));
  return {
    count: batchSize,
    images: Uint8Array.from(integers(batchSize * IMAGE_BYTES, 256)),
    labels: Int32Array.from(integers(batchSize, classes)),
    augmentation: Int32Array.from(integers(batchSize, 9 * 9 * 2), (code) => code).reduce(
      (crops, code, i) => {
        crops.set([code % 9, Math.floor(code / 9) % 9, Math.floor(code / 81)], 3 * i);
        return crops;
      },
      new Int32Array(3 * batchSize),
    ),
  };
}

/** Factors and biases as a program wants them. */
export function testNormalization(perPixelMean: boolean): Float32Array {
  const random = randomStream(3, 'normalization');
  const channel = [-2.1, -2.0, -1.8];
  return Float32Array.from({ length: 3 + IMAGE_BYTES }, (_, i) => {
    if (i < 3) return 0.016 + 0.001 * i;
    return channel[i % 3]! + (perPixelMean ? random.uniform() : 0);
  });
}

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

interface Outcome {
  readonly program: Program;
  readonly steps: Step[];
  readonly evaluation: { readonly metrics: BatchMetrics; readonly logits: Float32Array };
}

/** Training steps and an evaluation; from the same states as `oracle`, where that is given. */
async function outcomeOf(
  backend: Backend,
  test: ConformanceCase,
  oracle?: Outcome,
): Promise<Outcome> {
  const {
    arch,
    shortcut,
    classes,
    memory,
    labelSmoothing,
    perPixelMean = false,
    freeze,
    seed,
  } = test;
  const network = createNetwork(arch, { shortcut, classes });
  const program = lowerTraining(network, {
    batchSize: BATCH_SIZE,
    memory,
    labelSmoothing,
    freeze,
  });
  const executable = await backend.compile(program);
  const initial = initializeWeights(network, seed);
  const normalization = testNormalization(perPixelMean);
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

/** ‖a − b‖ / ‖b‖; 0 where both are zero, as the gradients of frozen layers are. */
export function distance(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  let difference = 0;
  let square = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    square += b[i]! ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / square);
}

/** Compares tensor by tensor, so that an error in a small one is not drowned by the others. */
function expectEach(
  program: Program,
  actual: Float32Array,
  expected: Float32Array,
  buffer: 'parameters' | 'running',
  tolerance: number,
): void {
  for (const { name, offset, length } of program.slots.filter((slot) => slot.buffer === buffer)) {
    const [a, b] = [actual, expected].map((flat) => flat.subarray(offset, offset + length));
    expect(distance(a!, b!), name).toBeLessThan(tolerance);
  }
}

function expectMetrics(actual: BatchMetrics, expected: BatchMetrics, loss: number): void {
  const { count, lossSum, correctTop1, correctTop5 } = actual;
  expect([count, correctTop1, correctTop5]).toEqual([
    expected.count,
    expected.correctTop1,
    expected.correctTop5,
  ]);
  expect(Math.abs(lossSum - expected.lossSum) / count).toBeLessThan(loss);
}

/**
 * Registers the suite.
 * @param name how the backend is called in the report
 * @param createBackend called once
 */
export function describeConformance(
  name: string,
  createBackend: () => Promise<Backend>,
  tolerances: ConformanceTolerances,
  cases: readonly ConformanceCase[] = CONFORMANCE_CASES,
): void {
  describe(`${name} agrees with the oracle`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await createBackend();
    });
    afterAll(() => backend.dispose());

    describe.each(cases.map((test) => ({ test, title: titleOf(test) })))('$title', ({ test }) => {
      let expected: Outcome;
      let actual: Outcome;
      beforeAll(async () => {
        expected = await oracleOutcome(test);
        actual = await outcomeOf(backend, test, expected);
      });

      it.each(COUNTS.map((count, i) => ({ count, i })))('a step on $count images', ({ i }) => {
        const { program } = expected;
        const [a, b] = [actual.steps[i]!, expected.steps[i]!];
        expectMetrics(a.metrics, b.metrics, tolerances.loss);
        expect(distance(a.logits, b.logits)).toBeLessThan(tolerances.logits);
        expectEach(program, a.gradients, b.gradients, 'parameters', tolerances.gradient);
        expectEach(program, a.after.running, b.after.running, 'running', tolerances.state);
        const momenta = [a.after.momentum, b.after.momentum] as const;
        expectEach(program, ...momenta, 'parameters', tolerances.gradient);
        expect(distance(a.after.parameters, b.after.parameters)).toBeLessThan(tolerances.state);
      });
      it('an evaluation', () => {
        const [a, b] = [actual.evaluation, expected.evaluation];
        expectMetrics(a.metrics, b.metrics, tolerances.loss);
        expect(distance(a.logits, b.logits)).toBeLessThan(tolerances.logits);
      });
    });
  });
}

const oracleOutcomes = new Map<string, Promise<Outcome>>();

/** The oracle is slow, and its outcome the same for every backend. */
function oracleOutcome(test: ConformanceCase): Promise<Outcome> {
  const title = `${titleOf(test)} ${test.seed}`;
  const known = oracleOutcomes.get(title) ?? outcomeOf(createReferenceBackend(), test);
  oracleOutcomes.set(title, known);
  return known;
}

function titleOf(test: ConformanceCase): string {
  const { arch, shortcut, classes, memory, labelSmoothing, perPixelMean, freeze } = test;
  const facts = [
    arch + (shortcut ? ` with shortcut ${shortcut}` : ''),
    `${classes} classes`,
    memory === 'recompute' ? 'activations recomputed' : '',
    freeze ? `frozen up to ${freeze}` : '',
    labelSmoothing ? `label smoothing ${labelSmoothing}` : '',
    perPixelMean ? 'a mean a pixel' : '',
  ];
  return facts.filter((fact) => fact !== '').join(', ');
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
