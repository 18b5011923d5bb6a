// What training says, in few messages: however fast the steps are, the page hears of them ten times a
// second. Every step travels; of an evaluation's progress only the latest.

import { logLine } from '../../runs/log-line.ts';
import type { TrainEvent } from '../../train/events.ts';
import { notebookLines } from '../../train/notebook-lines.ts';
import type { RunNews, WorkerEvent } from './protocol.ts';

const EVERY_MS = 100;

interface Gathered {
  readonly events: TrainEvent[];
  readonly log: string[];
  readonly notebook: string[];
}

export class Outbox {
  private readonly send: (event: WorkerEvent) => void;
  private news = new Map<string, Gathered>();
  /** How often each run has a line of the notebook's. */
  private readonly printFreq = new Map<string, number>();
  private sent = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (event: WorkerEvent) => void) {
    this.send = send;
  }

  add(run: string, event: TrainEvent): void {
    const gathered = this.news.get(run) ?? { events: [], log: [], notebook: [] };
    const { events, log, notebook } = gathered;
    this.news.set(run, gathered);
    if (event.kind === 'start') this.printFreq.set(run, event.config.printFreq);
    if (event.kind === 'evaluation-progress' && events.at(-1)?.kind === event.kind) events.pop();
    events.push(event);
    const line = logLine(event);
    if (line !== undefined) log.push(line);
    notebook.push(...notebookLines(event, this.printFreq.get(run) ?? 1));
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
