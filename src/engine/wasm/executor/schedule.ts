// From a program's operations to phases. An operation on blocks of images begins a new phase, unless
// it can follow on the same block; serial operations (batch statistics) end the phase before them;
// weights are prepared beside the phase before, weight gradients summed beside the phase after.

import { buffersOf } from '../../operations/index.ts';
import { bufferBytes } from '../../plan.ts';
import type { BufferId, Operation, Program } from '../../program.ts';
import { convolutionBackward } from './backward.ts';
import { type BuiltContext, buildContext, type ContextInputs } from './build-context.ts';
import type { Context } from './context.ts';
import { convolution, convolutionInference, foldNorm } from './forward.ts';
import {
  globalAveragePool,
  globalAveragePoolBackward,
  linear,
  linearBackward,
  softmaxCrossEntropy,
} from './head.ts';
import { normGradient, normStatistics } from './norm.ts';
import { sgd } from './reduce.ts';
import type { Contribution, Extra, Phase } from './schedule-types.ts';

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
    switch (operation.kind) {
      case 'normStatistics':
        this.addSerial(index, normStatistics(this.context, operation.norm));
        break;
      case 'normGradient':
        this.addSerial(index, normGradient(this.context, operation.norm));
        break;
      case 'sgd':
        this.flush();
        this.open(0).extras.push({ operation: index, ...sgd(this.context, operation.from) });
        break;
      default:
        this.addContribution(operation, index, contribute(this.context, operation));
    }
  }

  finish(): Phase[] {
    this.flush();
    return this.phases;
  }

  private addSerial(operation: number, run: (count: number) => void): void {
    const last = this.phases.at(-1);
    if (!last) throw new Error('a program does not begin with batch statistics');
    last.serial.push({ operation, run });
    this.closed = true;
  }

  private addContribution(operation: Operation, index: number, part: Contribution): void {
    if (part.before) {
      const phase = this.phases.at(-1) ?? this.open(0);
      phase.extras.push({ operation: index, ...part.before });
    }
    if (!part.run) return;
    const buffers = buffersOf(operation);
    const phase = this.follows(part, buffers) ? this.phases.at(-1)! : this.open(part.blockImages);
    this.touched.push(...buffers);
    phase.stages.push({ operation: index, run: part.run });
    if (part.serial) phase.serial.push({ operation: index, run: part.serial });
    if (part.serial && !part.serialIsLast) this.closed = true;
    if (part.after) {
      this.pending.push({ operation: index, ...part.after });
      this.hasAfter = true;
    }
  }

  /** Whether an operation may run on each block right after the stages of the last phase. */
  private follows(part: Contribution, buffers: readonly BufferId[]): boolean {
    const last = this.phases.at(-1);
    return (
      !this.closed &&
      last !== undefined &&
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
  { buffers }: Program,
  left: readonly BufferId[],
  right: readonly BufferId[],
): boolean {
  return left.some((a) =>
    right.some((b) => {
      const [x, y] = [buffers[a]!, buffers[b]!];
      return (
        a !== b && x.offset < y.offset + bufferBytes(y) && y.offset < x.offset + bufferBytes(x)
      );
    }),
  );
}

function contribute(
  context: Context,
  operation: Exclude<Operation, { kind: 'normStatistics' | 'normGradient' | 'sgd' }>,
): Contribution {
  switch (operation.kind) {
    case 'convolution':
      return convolution(context, operation);
    case 'globalAveragePool':
      return globalAveragePool(context, operation);
    case 'linear':
      return linear(context, operation);
    case 'softmaxCrossEntropy':
      return softmaxCrossEntropy(context, operation);
    case 'linearBackward':
      return linearBackward(context, operation);
    case 'globalAveragePoolBackward':
      return globalAveragePoolBackward(context, operation);
    case 'convolutionBackward':
      return convolutionBackward(context, operation);
    case 'foldNorm':
      return foldNorm(context, operation);
    case 'convolutionInference':
      return convolutionInference(context, operation);
    default:
      throw new Error(`unknown operation ${operation satisfies never}`);
  }
}
