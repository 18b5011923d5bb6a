// The oracle: plain loops in float64, single-threaded, hundreds of times slower than the other
// backends. It defines what every operation means, and it runs tiny networks in tests.

import type { Backend, BatchInputs, BatchMetrics, Executable } from '../backend.ts';
import { carryOut, type Operation, type OperationTable } from '../operations/index.ts';
import type { Program, ProgramBuffers } from '../program.ts';
import * as operations from './operations/index.ts';
import { createState, namedOf, type ReferenceState } from './state.ts';

const TABLE = operations satisfies OperationTable<ReferenceState>;

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
    namedOf(this.state, buffer).set(values);
    this.needsSetup = true;
  }

  async read(buffer: keyof ProgramBuffers): Promise<Float32Array> {
    return Float32Array.from(namedOf(this.state, buffer));
  }

  async run(batch: BatchInputs): Promise<BatchMetrics> {
    const { state, program } = this;
    state.batch = batch;
    if (this.needsSetup) this.carryOut(program.setup);
    this.needsSetup = false;
    this.carryOut(program.body);
    const { lossSum, correctTop1, correctTop5 } = state;
    return { count: batch.count, lossSum, correctTop1, correctTop5 };
  }

  async dispose(): Promise<void> {}

  private carryOut(operations: readonly Operation[]): void {
    for (const operation of operations) carryOut(TABLE, this.state, operation);
  }
}
