// All runs that this page knows of, kept up to date while chapter 7 is open: only what is new travels,
// and only the curves that are looked at are asked for.

import { isServed, ServedClient } from '../../served/client.ts';
import type { FeedChange } from '../../served/run-feed.ts';
import { RunFeed } from '../../served/run-feed.ts';
import { tab } from '../../shared/tab.svelte.ts';
import { type Entry, projectEntry, servedEntry, tabEntry, tablesOf } from './entries.ts';
import { EpochCurves } from './epoch-curves.ts';
import { PROJECT_RESULTS } from './results.ts';

const PROJECT = PROJECT_RESULTS.map(projectEntry);

export class Board implements Disposable {
  /** Whether the page comes from `table6 ui`, and hears of its runs. */
  readonly isServed = isServed();
  /** Whether the server can be heard; undefined until that is known. */
  isConnected: boolean | undefined = $state();
  /** Sentences: what could not be read. */
  problems: readonly string[] = $state.raw([]);
  #served: readonly Entry[] = $state.raw([]);
  readonly #tab = $derived(
    tab.runs.map(({ facts, epochs, error }) => tabEntry(facts, epochs.length, error?.message)),
  );
  readonly entries: readonly Entry[] = $derived([...PROJECT, ...this.#served, ...this.#tab]);
  readonly tables = $derived(tablesOf(this.entries));
  readonly #feed: RunFeed | undefined;
  readonly #curves = new Map<string, EpochCurves>();
  #frame = 0;

  constructor() {
    if (this.isServed) {
      this.#feed = new RunFeed(new ServedClient(), (change) => this.#hear(change), {
        epochs: true,
      });
    }
    tab.open().catch((error: Error) => this.#tell(error.message));
  }

  /** The curves of a run, from now on kept up to date. */
  curvesOf({ key, place, id, run }: Entry): EpochCurves {
    let curves = this.#curves.get(key);
    if (curves) return curves;
    curves = place === 'project' ? EpochCurves.of(run) : new EpochCurves();
    this.#curves.set(key, curves);
    if (place === 'server') this.#feed?.follow(id);
    if (place === 'tab') tab.read(id).catch((error: Error) => this.#tell(error.message));
    return curves;
  }

  /** To be called in an effect: passes on what this tab's runs have measured. */
  followTab(): void {
    for (const { key, id } of this.#tab) {
      const epochs = tab.find(id)?.epochs;
      if (epochs) this.#curves.get(key)?.rows(epochs);
    }
  }

  [Symbol.dispose](): void {
    cancelAnimationFrame(this.#frame);
    this.#feed?.[Symbol.dispose]();
  }

  #hear(change: FeedChange): void {
    switch (change.kind) {
      case 'connection':
        this.isConnected = change.isOpen;
        return;
      case 'problem':
        this.#tell(change.message);
        return;
      case 'runs':
        // Fifty runs may say so within a moment.
        this.#frame ||= requestAnimationFrame(() => {
          this.#frame = 0;
          this.#served = (this.#feed?.runs ?? []).flatMap((run) => servedEntry(run) ?? []);
        });
        return;
      case 'metrics': {
        const known = this.#served.find(({ id }) => id === change.id);
        const curves = known && this.#curves.get(known.key);
        if (change.isAnew) curves?.clear();
        curves?.records(change.appended);
        return;
      }
      default:
        throw new Error(`unknown change ${change satisfies never}`);
    }
  }

  #tell(problem: string): void {
    if (!this.problems.includes(problem)) this.problems = [...this.problems, problem];
  }
}
