// A worker thread: holds its own instance of each loaded program's kernels and its own copy of the
// schedule, all over the same memory, and runs steps when told to.

import { messageOf } from '../../util/errors.ts';
import { AbortedError } from './executor/control.ts';
import { type Runner, runPhases } from './executor/run.ts';
import { buildSchedule, type Schedule } from './executor/schedule.ts';
import type { WorkerReply, WorkerRequest } from './protocol.ts';
import { wasm } from './webassembly.ts';

type Load = Extract<WorkerRequest, { kind: 'load' }>;
type Run = Extract<WorkerRequest, { kind: 'run' }>;

interface Loaded {
  readonly schedule: Schedule;
  readonly runner: Runner;
  readonly buffer: ArrayBufferLike;
}

/**
 * @param post sends a reply to the main thread
 * @returns the handler of requests; runs block until the step is done
 */
export function createWorker(post: (reply: WorkerReply) => void): (request: WorkerRequest) => void {
  const programs = new Map<number, Loaded>();
  post({ kind: 'ready' });
  return (request) => {
    const { id } = request;
    try {
      switch (request.kind) {
        case 'load':
          programs.set(id, load(request));
          post({ kind: 'loaded', id });
          break;
        case 'run':
          if (run(programs.get(id) as Loaded, request)) post({ kind: 'finished', id });
          break;
        case 'unload':
          programs.delete(id);
          break;
        default:
          throw new Error(`unknown request ${request satisfies never}`);
      }
    } catch (error) {
      if (error instanceof AbortedError) return;
      programs.get(id)?.runner.control.abort();
      post({ kind: 'failed', id, reason: messageOf(error) });
    }
  };
}

function load(request: Load): Loaded {
  const { program, convolution, module, memory, map, thread, threads, spin } = request;
  const { exports } = new wasm.Instance(module, { env: { memory } });
  const { buffer } = memory;
  const schedule = buildSchedule({
    program,
    algorithm: convolution,
    kernel: (spec) => spec.from(exports),
    buffer,
    sharedBase: map.shared,
    scratchBase: map.scratch + thread * map.scratchStride,
  });
  const { control, window } = schedule.context;
  return { schedule, buffer, runner: { control, window, threads, spin } };
}

/** @returns whether this thread finished last */
function run({ schedule, runner, buffer }: Loaded, request: Run): boolean {
  const { context, setup, body } = schedule;
  context.step.settings = request.step;
  const { count } = request.step;
  if (request.setup) runPhases(runner, setup, count);
  if (!request.profile) return runPhases(runner, body, count);
  const times = new Float64Array(buffer, context.times, context.program.body.length).fill(0);
  return runPhases(runner, body, count, times);
}
