// What a run would take, measured by the worker for two seconds whenever what is asked for has changed
// and nothing trains meanwhile.

import { tab } from '../../shared/tab.svelte.ts';
import type { Estimate, RunRequest } from '../../worker/protocol.ts';

/** Someone who is typing has not asked yet. */
const WAIT_MS = 900;

export class Estimator {
  estimate: Estimate | undefined = $state.raw();
  problem: string = $state('');
  isMeasuring: boolean = $state(false);
  private asked = '';
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Measures soon, unless this has been measured; undefined measures nothing. */
  want(run: RunRequest | undefined, data: string | undefined, device: string): void {
    clearTimeout(this.timer);
    if (!run || data === undefined) return;
    const key = JSON.stringify([run, data, device]);
    if (key === this.asked) return;
    this.timer = setTimeout(() => void this.measure(key, run, data), WAIT_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private async measure(key: string, run: RunRequest, data: string): Promise<void> {
    this.asked = key;
    this.isMeasuring = true;
    this.problem = '';
    try {
      const estimate = await tab.ask('estimate', { run, data });
      if (this.asked === key) this.estimate = estimate;
    } catch (error) {
      if (this.asked !== key) return;
      this.estimate = undefined;
      this.problem = (error as Error).message;
    } finally {
      if (this.asked === key) this.isMeasuring = false;
    }
  }
}
