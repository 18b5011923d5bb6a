// Runs phases on one thread: take a block or an extra task, do it, until there are none; then meet
// the other threads.

import { blockCount } from './blocks.ts';
import type { Window } from './context.ts';
import type { Control } from './control.ts';
import type { Phase } from './schedule-types.ts';

export interface Runner {
  readonly control: Control;
  readonly threads: number;
  readonly spin: boolean;
  readonly window: Window;
}

/** Milliseconds of this thread by operation, to be added to. */
export type Times = Float64Array;

/** Runs phases on a batch of `count` images together with the other threads. */
export function runPhases(
  runner: Runner,
  phases: readonly Phase[],
  count: number,
  times?: Times,
): boolean {
  const { control, threads, spin } = runner;
  let last = false;
  for (const phase of phases) {
    const blocks = phase.blockImages === 0 ? 0 : blockCount(count, phase.blockImages);
    for (let task = control.takeTask(); ; task = control.takeTask()) {
      if (task < blocks) runBlock(runner.window, phase, task, count, times);
      else if (!runExtra(phase, task - blocks, count, times)) break;
    }
    last = control.arrive(threads, spin);
    if (last) {
      runSerial(phase, count, times);
      control.release();
    }
  }
  return last;
}

function runBlock(
  window: Window,
  { stages, blockImages }: Phase,
  block: number,
  count: number,
  times: Times | undefined,
): void {
  const first = block * blockImages;
  const end = Math.min(count, first + blockImages);
  window.first = first;
  for (const stage of stages) {
    const start = times ? performance.now() : 0;
    stage.run(first, end, block);
    if (times) times[stage.operation]! += performance.now() - start;
  }
}

/** @returns false when there is no such task in this phase */
function runExtra(
  { extras }: Phase,
  task: number,
  count: number,
  times: Times | undefined,
): boolean {
  let rest = task;
  for (const extra of extras) {
    const tasks = extra.tasks(count);
    if (rest < tasks) {
      const start = times ? performance.now() : 0;
      extra.run(rest, count);
      if (times) times[extra.operation]! += performance.now() - start;
      return true;
    }
    rest -= tasks;
  }
  return false;
}

function runSerial({ serial }: Phase, count: number, times: Times | undefined): void {
  for (const part of serial) {
    const start = times ? performance.now() : 0;
    part.run(count);
    if (times) times[part.operation]! += performance.now() - start;
  }
}
