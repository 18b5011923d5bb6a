// What a run would take, measured by the worker for two seconds whenever what is asked for has changed
// and nothing trains meanwhile.

import { tab } from '../../shared/tab.svelte.ts';
import type { DeviceChoice, Estimate, RunRequest } from '../../worker/protocol.ts';

/** Someone who is typing has not asked yet. */
const WAIT_MS = 900;

export class Estimator {
  estimate: Estimate | undefined = $state.raw();
  problem: string = $state('');
  isMeasuring: boolean = $state(false);
  private asked = '';
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Measures soon, unless this has been measured; without a run it measures nothing. */
  want(
    run: RunRequest | undefined,
    data: string | undefined,
    device: DeviceChoice,
    threads: string,
  ): void {
    clearTimeout(this.timer);
    if (!run || data === undefined) return;
    const key = JSON.stringify([run, data, device, threads]);
    if (key === this.asked) return;
    this.timer = setTimeout(() => {
      this.asked = key;
      void this.measure(key, async () => {
        await this.useDevice(device, threads);
        return await tab.ask('estimate', { run, data });
      });
    }, WAIT_MS);
  }

  /** Has the worker compute on it; `threads` as it was typed. */
  async useDevice(device: DeviceChoice, threads: string): Promise<void> {
    const count = device === 'webgpu' ? Number.NaN : Number.parseInt(threads, 10);
    await tab.chooseDevice(device, Number.isNaN(count) ? undefined : count);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private async measure(key: string, work: () => Promise<Estimate>): Promise<void> {
    this.isMeasuring = true;
    this.problem = '';
    try {
      const estimate = await work();
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
