// What training says, in few messages: however fast the steps are, the page hears of them ten times a
// second. Every step travels; of an evaluation's progress only the latest.

import { notebookLines } from '../../runs/notebook-lines.ts';
import type { TrainEvent } from '../../train/events.ts';
import type { RunNews, WorkerEvent } from './protocol.ts';

const EVERY_MS = 100;

export class Outbox {
  private readonly send: (event: WorkerEvent) => void;
  /** What the notebook prints, of each session; it begins anew when a run goes on. */
  private readonly lines = new Map<string, ReturnType<typeof notebookLines>>();
  private news = new Map<string, { events: TrainEvent[]; log: string[] }>();
  private sent = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (event: WorkerEvent) => void) {
    this.send = send;
  }

  /** @param printFreq of the run: a line of its log every so many batches */
  add(run: string, event: TrainEvent, printFreq: number): void {
    const { events, log } = this.news.get(run) ?? { events: [], log: [] };
    this.news.set(run, { events, log });
    if (event.kind === 'evaluation-progress' && events.at(-1)?.kind === event.kind) events.pop();
    events.push(event);
    if (event.kind === 'start') this.lines.set(run, notebookLines(printFreq));
    log.push(...(this.lines.get(run)?.(event) ?? []));
    const wait = this.sent + EVERY_MS - performance.now();
    if (wait <= 0) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), wait);
  }

  /** Sends what there is at once, so that what follows is heard after it. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.news.size === 0) return;
    const runs: RunNews[] = [...this.news].map(([run, news]) => ({ run, ...news }));
    this.news = new Map();
    this.sent = performance.now();
    this.send({ kind: 'training', runs });
  }
}
