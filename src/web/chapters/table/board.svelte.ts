// All runs that this page knows of, kept up to date while chapter 7 is open: only what is new travels,
// and only the curves that are looked at are asked for.

import { environmentSchema, type RunEnvironment } from '../../../runs/summary.ts';
import type { ServedRun } from '../../../server/protocol.ts';
import { isServed, ServedClient } from '../../served/client.ts';
import type { FeedChange } from '../../served/run-feed.ts';
import { RunFeed } from '../../served/run-feed.ts';
import { PROJECT_RESULTS } from '../../shared/project-results.ts';
import { tab } from '../../shared/tab.svelte.ts';
import { type Entry, keyOf, projectEntry, servedEntry, tabEntry, tablesOf } from './entries.ts';
import { EpochCurves } from './epoch-curves.ts';

const PROJECT = PROJECT_RESULTS.map(projectEntry);

export class Board implements Disposable {
  /** Whether the page comes from `table6 ui`, and hears of its runs. */
  readonly isServed = isServed();
  /** Whether the server can be heard; undefined until that is known. */
  isConnected: boolean | undefined = $state();
  /** Sentences: what could not be read. */
  problems: readonly string[] = $state.raw([]);
  #environments: ReadonlyMap<string, RunEnvironment> = $state.raw(new Map());
  #told: readonly ServedRun[] = $state.raw([]);
  readonly #served = $derived(
    this.#told.flatMap(
      (run) => servedEntry(run, this.#environments.get(keyOf('server', run.id))) ?? [],
    ),
  );
  readonly #tab = $derived(
    tab.runs.map(({ run, facts, epochs, error }) =>
      tabEntry(facts, epochs.length, error?.message, this.#environments.get(keyOf('tab', run))),
    ),
  );
  readonly entries: readonly Entry[] = $derived([...PROJECT, ...this.#served, ...this.#tab]);
  readonly tables = $derived(tablesOf(this.entries));
  readonly #client = new ServedClient();
  readonly #feed: RunFeed | undefined;
  readonly #asked = new Set<string>();
  readonly #curves = new Map<string, EpochCurves>();
  #frame = 0;

  constructor() {
    if (this.isServed) {
      this.#feed = new RunFeed(this.#client, (change) => this.#hear(change), {
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

  /** Asks for when and where runs were trained; their entries say it as soon as it is here. */
  async askWhere(entries: readonly Entry[]): Promise<void> {
    for (const { key, place, id } of entries) {
      if (place === 'project' || this.#asked.has(key)) continue;
      this.#asked.add(key);
      try {
        const environment = await this.#environmentOf(place, id);
        this.#environments = new Map(this.#environments).set(key, environment);
      } catch (error) {
        this.#tell((error as Error).message);
      }
    }
  }

  async #environmentOf(place: 'server' | 'tab', run: string): Promise<RunEnvironment> {
    if (place === 'tab') return (await tab.ask('readRun', { run })).environment;
    const bytes = await this.#client.runFile(run, 'environment.json');
    return environmentSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
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
          this.#told = this.#feed?.runs ?? [];
        });
        return;
      case 'metrics': {
        const curves = this.#curves.get(keyOf('server', change.id));
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
