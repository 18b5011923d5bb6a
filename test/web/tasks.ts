// How long tasks keep a page's own thread, from Chromium's trace: as the clock has it, and as the thread
// itself computed. On a machine that other tests share, the clock also counts their time.

import type { Browser, Page } from 'playwright-core';

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds by the clock, and of the thread. */
  readonly dur?: number;
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

export interface LongestTasks {
  /** Milliseconds that the thread computed in one task, at most. */
  readonly computed: number;
  /** Milliseconds by the clock. */
  readonly elapsed: number;
}

/** Watches the tasks of a page for a while; the page must be the only one of its browser. */
export async function longestTasks(
  browser: Browser,
  page: Page,
  seconds: number,
): Promise<LongestTasks> {
  await browser.startTracing(page, { categories: ['devtools.timeline', 'toplevel'] });
  await page.waitForTimeout(1000 * seconds);
  const trace = JSON.parse((await browser.stopTracing()).toString()) as {
    readonly traceEvents: readonly TraceEvent[];
  };
  const events = trace.traceEvents;
  const mains = events.filter(({ name, args }) => {
    return name === 'thread_name' && args.name === 'CrRendererMain';
  });
  const tasks = events.filter(
    ({ name, pid, tid }) =>
      name.endsWith('RunTask') && mains.some((main) => main.pid === pid && main.tid === tid),
  );
  if (tasks.length === 0) throw new Error('the trace has no task of the page');
  const longest = (times: (number | undefined)[]) =>
    times.reduce<number>((most, time = 0) => Math.max(most, time / 1000), 0);
  return {
    computed: longest(tasks.map(({ tdur }) => tdur)),
    elapsed: longest(tasks.map(({ dur }) => dur)),
  };
}
