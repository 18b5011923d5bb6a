// The pair of runs that "Train both" has begun. It outlives the chapter: who comes back finds the curves,
// and training goes on meanwhile.

import { messageOf } from '../../../util/errors.ts';
import { tab } from '../../shared/tab.svelte.ts';
import type { TabRun } from '../../shared/tab-run.svelte.ts';
import type { CommandName } from '../../worker/protocol.ts';
import { BOTH_DATA, type BothSettings, bothRequests } from './both-runs.ts';

class Both {
  /** Plain, residual; empty before the first start. */
  runs: readonly TabRun[] = $state.raw([]);
  settings: BothSettings | undefined = $state.raw();
  /** What is being done that one has to wait for. */
  isBusy = $state(false);
  problem: string | undefined = $state.raw();

  get state(): 'none' | 'training' | 'paused' | 'stopped' {
    const states = this.runs.map(({ state }) => state);
    if (states.length === 0) return 'none';
    return states.find((state) => state !== 'stopped') ?? 'stopped';
  }

  /** Runs of other chapters that are in memory; the worker pauses and stops all runs together. */
  get others(): readonly TabRun[] {
    return tab.active.filter(({ run }) => !this.runs.some((own) => own.run === run));
  }

  /** Takes the place of the pair before, whose folders go. */
  start(settings: BothSettings): Promise<void> {
    return this.attempt(async () => {
      await tab.open();
      if (!tab.device) await tab.chooseDevice('auto');
      for (const { run } of this.runs) if (tab.find(run)) await tab.removeRun(run);
      this.runs = [];
      const { data } = await tab.ask('loadData', { source: BOTH_DATA });
      const begun = await tab.ask('start', { runs: bothRequests(settings), data });
      await tab.listRuns();
      this.settings = settings;
      this.runs = begun.runs.map((run) => tab.find(run)!);
    });
  }

  control(kind: Extract<CommandName, 'pause' | 'resume' | 'step' | 'stop'>): Promise<void> {
    return this.attempt(async () => {
      await tab.ask(kind);
    });
  }

  /** Goes on with what was stopped before its end. */
  goOn(): Promise<void> {
    return this.attempt(async () => {
      const left = this.runs.filter(({ facts }) => facts.canGoOn).map(({ run }) => run);
      await tab.goOn(left);
    });
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    this.isBusy = true;
    this.problem = undefined;
    try {
      await work();
    } catch (error) {
      this.problem = messageOf(error);
    } finally {
      this.isBusy = false;
    }
  }
}

export const both = new Both();
