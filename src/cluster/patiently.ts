// Waiting for what another machine does: a file that its disk shows late, a run that it has.

import { setTimeout as sleep } from 'node:timers/promises';

const LONGEST_MS = 5_000;

/** What `look` finds, however late; undefined once the seconds are over. Looks often at first, then seldom. */
export async function patiently<T>(
  look: () => Promise<T | undefined>,
  seconds: number,
  onWait: () => void,
): Promise<T | undefined> {
  const end = performance.now() + 1000 * seconds;
  for (let looks = 0; ; looks++) {
    const found = await look();
    const left = end - performance.now();
    if (found !== undefined || left <= 0) return found;
    if (looks === 0) onWait();
    await sleep(Math.min(LONGEST_MS, 100 * 2 ** looks, left));
  }
}
