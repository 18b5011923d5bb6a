// The benchmark's protocol, for programs in JavaScript: after the first step one line of JSON; then,
// for each line on standard input that holds a number of seconds, about that long of steps (one at
// least) and a line with the rate by the clock, the rate by processor time and the peak memory.
// `contestants.ts` starts the programs and gives them their turns; peers/pytorch.py and
// peers/pytorch_gpu.py speak the same.

import { createInterface } from 'node:readline';

export interface ServedProgram {
  readonly peer: string;
  /** Images a step. */
  readonly batch: number;
  readonly step: () => Promise<unknown>;
  /** Waits for steps that are still in flight. */
  readonly finish?: () => Promise<unknown>;
}

/** Does a first step, then answers until standard input ends. */
export async function serve({ peer, batch, step, finish }: ServedProgram): Promise<never> {
  await step();
  await finish?.();
  print({ peer, batch });
  for await (const line of createInterface({ input: process.stdin })) {
    const seconds = Number(line);
    const start = performance.now();
    const processor = process.cpuUsage();
    const elapsed = () => (performance.now() - start) / 1000;
    let steps = 0;
    do {
      await step();
      steps++;
    } while (elapsed() < seconds);
    await finish?.();
    const images = steps * batch;
    const { user, system } = process.cpuUsage(processor);
    print({
      images_per_second: images / elapsed(),
      images_per_cpu_second: (1e6 * images) / (user + system),
      peak_bytes: process.resourceUsage().maxRSS * 1024,
    });
  }
  process.exit(0);
}

function print(value: Record<string, string | number>): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
