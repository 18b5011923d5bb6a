// The runs of this tab, as the page knows them: from the lists that the worker gives when asked, and from
// what it tells unasked. Both are on their way at once, so each rule here says which of two wins.

import type { RunFacts, RunNews, WorkerEvent } from '../worker/protocol.ts';
import { TabRun } from './tab-run.svelte.ts';

export class RunList {
  runs: readonly TabRun[] = $state.raw([]);
  private readonly ask: () => Promise<readonly RunFacts[]>;
  /** Lists that were asked for, and the newest of them that has come. */
  private asked = 0;
  private answered = 0;
  /** Lists that were asked for when the worker last told of a run's state: no newer ones, in its eyes. */
  private readonly toldAt = new Map<string, number>();

  constructor(ask: () => Promise<readonly RunFacts[]>) {
    this.ask = ask;
  }

  get active(): readonly TabRun[] {
    return this.runs.filter(({ state }) => state !== 'stopped');
  }

  find(run: string): TabRun | undefined {
    return this.runs.find((each) => each.run === run);
  }

  /** It was removed; lists that are on their way may still have it. */
  forget(run: string): void {
    this.answered = this.asked;
    this.runs = this.runs.filter((each) => each.run !== run);
  }

  /** Asks for the list again; what is known of the runs stays. */
  async refresh(): Promise<void> {
    const number = ++this.asked;
    const listed = await this.ask();
    // Of two lists on their way the older one, of runs that have ended since, may arrive last.
    if (number <= this.answered) return;
    this.answered = number;
    this.take(listed, number);
  }

  hear(event: WorkerEvent): void {
    if (event.kind === 'training') {
      for (const news of event.runs) (this.find(news.run) ?? this.begun(news))?.hear(news);
      return;
    }
    this.toldAt.set(event.run, this.asked);
    this.find(event.run)?.changed(event.state, event.error);
    // Its summary, checkpoints and whether it can be gone on with are in its folder.
    if (event.state === 'stopped') this.refresh().catch(() => {}); // the worker's end is told elsewhere
  }

  private take(listed: readonly RunFacts[], number: number): void {
    const runs = listed.map((facts) => {
      const known = this.find(facts.run);
      if (!known) return new TabRun(facts);
      const isTold = number <= (this.toldAt.get(facts.run) ?? 0);
      known.facts = isTold ? withState(facts, known.state) : facts;
      return known;
    });
    // A folder that could not be read in the middle of a write is no reason to forget a run in memory.
    const unlisted = this.active.filter(({ run }) => !listed.some((facts) => facts.run === run));
    this.runs = [...runs, ...unlisted];
  }

  /** A new run; the answer to `start` comes after the first that is heard of it. */
  private begun({ run, events }: RunNews): TabRun | undefined {
    const start = events.find((event) => event.kind === 'start');
    if (!start) return undefined;
    const { config } = start;
    const begun = new TabRun({ run, state: 'training', config, checkpoints: [], canGoOn: false });
    begun.isRead = true;
    this.runs = [...this.runs, begun];
    return begun;
  }
}

function withState(facts: RunFacts, state: RunFacts['state']): RunFacts {
  return { ...facts, state, canGoOn: state === 'stopped' && facts.canGoOn };
}
