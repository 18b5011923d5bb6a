// From a program's operations to phases. An operation on blocks of images begins a new phase, unless
// it can follow on the same block; serial operations (batch statistics) end the phase before them;
// weights are prepared beside the phase before, weight gradients summed beside the phase after.

import { buffersOf } from '../../operations/index.ts';
import { bufferBytes } from '../../plan.ts';
import type { BufferId, Operation, Program } from '../../program.ts';
import { wasmOperation } from '../operations/table.ts';
import { type BuiltContext, buildContext, type ContextInputs } from './build-context.ts';
import { bufferSpec, type Context } from './context.ts';
import type { BlockRun, Contribution, Extra, Phase, Serial } from './schedule-types.ts';

export interface Schedule {
  readonly context: BuiltContext;
  readonly setup: readonly Phase[];
  readonly body: readonly Phase[];
}

/** Builds the phases of a program; the same inputs give the same layout and order everywhere. */
export function buildSchedule(inputs: ContextInputs): Schedule {
  const context = buildContext(inputs);
  const { program } = context;
  const setup = new PhaseBuilder(context);
  program.setup.forEach((operation, index) => {
    setup.add(operation, index);
  });
  const body = new PhaseBuilder(context);
  program.body.forEach((operation, index) => {
    body.add(operation, index);
  });
  return { context, setup: setup.finish(), body: body.finish() };
}

class PhaseBuilder {
  private readonly context: Context;
  private readonly phases: Phase[] = [];
  /** Must run in a later phase than the last one. */
  private pending: Extra[] = [];
  /** The last phase takes no further stages: something after it needs its serial part. */
  private closed = true;
  private hasAfter = false;
  /** Buffers that the last phase's stages touch. */
  private touched: BufferId[] = [];

  constructor(context: Context) {
    this.context = context;
  }

  add(operation: Operation, index: number): void {
    const { contribute } = wasmOperation(operation);
    const part = contribute(this.context, operation);
    if (part.before) {
      const phase = this.phases.at(-1) ?? this.open(0);
      phase.extras.push({ operation: index, ...part.before });
    }
    if (part.run) this.addStage(operation, index, part.run, part);
    if (part.serial) this.addSerial(index, part.serial, part);
    if (part.after) {
      this.pending.push({ operation: index, ...part.after });
      this.hasAfter = true;
    }
    if (part.alone) {
      this.flush();
      this.open(0).extras.push({ operation: index, ...part.alone });
    }
  }

  finish(): Phase[] {
    this.flush();
    return this.phases;
  }

  private addStage(operation: Operation, index: number, run: BlockRun, part: Contribution): void {
    const { blockImages = 0 } = part;
    const buffers = buffersOf(operation);
    const last = this.phases.at(-1);
    const phase = last && this.follows(last, part, buffers) ? last : this.open(blockImages);
    this.touched.push(...buffers);
    phase.stages.push({ operation: index, run });
  }

  private addSerial(index: number, run: Serial['run'], { serialIsLast }: Contribution): void {
    const last = this.phases.at(-1);
    if (!last) throw new Error('a program does not begin with batch statistics');
    last.serial.push({ operation: index, run });
    if (!serialIsLast) this.closed = true;
  }

  /** Whether an operation may run on each block right after the stages of the last phase. */
  private follows(last: Phase, part: Contribution, buffers: readonly BufferId[]): boolean {
    return (
      !this.closed &&
      last.blockImages === part.blockImages &&
      !part.before &&
      !(part.after && this.hasAfter) &&
      // Another block may still be at an earlier stage, whose buffers must not be overwritten.
      // (In inference every thread has activations of its own.)
      (this.context.program.mode === 'infer' ||
        !overlapping(this.context.program, this.touched, buffers))
    );
  }

  private open(blockImages: number): Phase {
    const phase: Phase = { blockImages, stages: [], extras: this.pending, serial: [] };
    this.pending = [];
    this.closed = blockImages === 0;
    this.hasAfter = false;
    this.touched = [];
    this.phases.push(phase);
    return phase;
  }

  private flush(): void {
    if (this.pending.length > 0) this.open(0);
  }
}

/** Whether two different buffers of the two lists share memory. */
function overlapping(
  program: Program,
  left: readonly BufferId[],
  right: readonly BufferId[],
): boolean {
  const interval = (id: BufferId) => {
    const buffer = bufferSpec(program, id);
    return { id, start: buffer.offset, end: buffer.offset + bufferBytes(buffer) };
  };
  const others = right.map(interval);
  return left
    .map(interval)
    .some((x) => others.some((y) => x.id !== y.id && x.start < y.end && y.start < x.end));
}
