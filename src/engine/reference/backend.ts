// The oracle: plain loops in float64, single-threaded, hundreds of times slower than the other
// backends. It defines what every operation means, and it runs tiny networks in tests.

import type { Backend, BatchInputs, BatchMetrics, Executable } from '../backend.ts';
import type { Operation, OperationKind, Program, ProgramBuffers } from '../program.ts';
import { convolution, convolutionBackward, convolutionInference, foldNorm } from './convolution.ts';
import {
  globalAveragePool,
  globalAveragePoolBackward,
  linear,
  linearBackward,
  softmaxCrossEntropy,
} from './head.ts';
import { normGradient, normStatistics } from './norm.ts';
import { sgd } from './sgd.ts';
import { bufferOf, createState, type ReferenceState } from './state.ts';

/** The float64 backend. */
export function createReferenceBackend(): Backend {
  return {
    name: 'reference',
    description: 'reference (float64, one thread)',
    facts: { backend: 'reference', precision: 'float64' },
    plan: async ({ buffers }) => ({
      bytes: 8 * buffers.reduce((sum, { elements }) => sum + elements, 0),
      fits: true,
    }),
    compile: async (program) => new ReferenceExecutable(program),
    dispose: async () => {},
  };
}

class ReferenceExecutable implements Executable {
  readonly program: Program;
  readonly memoryBytes: number;
  private readonly state: ReferenceState;
  private needsSetup = true;

  constructor(program: Program) {
    this.program = program;
    this.state = createState(program);
    this.memoryBytes = this.state.buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  async write(buffer: keyof ProgramBuffers, values: Float32Array): Promise<void> {
    this.named(buffer).set(values);
    this.needsSetup = true;
  }

  async read(buffer: keyof ProgramBuffers): Promise<Float32Array> {
    return Float32Array.from(this.named(buffer));
  }

  async run(batch: BatchInputs): Promise<BatchMetrics> {
    const { state, program } = this;
    state.batch = batch;
    if (this.needsSetup) for (const operation of program.setup) execute(state, operation);
    this.needsSetup = false;
    for (const operation of program.body) execute(state, operation);
    const { lossSum, correctTop1, correctTop5 } = state;
    return { count: batch.count, lossSum, correctTop1, correctTop5 };
  }

  async dispose(): Promise<void> {}

  private named(buffer: keyof ProgramBuffers): Float64Array {
    const id = this.program.named[buffer];
    if (id === undefined) throw new Error(`a program to ${this.program.mode} has no ${buffer}`);
    return bufferOf(this.state, id);
  }
}

/** What each operation does. */
const EXECUTE: {
  [Kind in OperationKind]: (
    state: ReferenceState,
    operation: Extract<Operation, { kind: Kind }>,
  ) => void;
} = {
  convolution,
  normStatistics: (state, { norm }) => normStatistics(state, norm),
  globalAveragePool,
  linear,
  softmaxCrossEntropy,
  linearBackward,
  globalAveragePoolBackward,
  normGradient: (state, { norm }) => normGradient(state, norm),
  convolutionBackward,
  sgd,
  foldNorm,
  convolutionInference,
};

function execute(state: ReferenceState, operation: Operation): void {
  // The table's type pairs every kind with its operation, which TypeScript cannot follow here.
  const run = EXECUTE[operation.kind] as (state: ReferenceState, operation: Operation) => void;
  run(state, operation);
}
