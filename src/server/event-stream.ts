// Server-sent events of one reader (HTML standard, 9.2). Nothing waits in line for it: what it has not
// seen is read when its connection takes more, so a slow or sleeping tab costs no memory, and gets
// the newest state of each run rather than every one in between.

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { METRICS } from '../runs/layout.ts';
import { offsetOf, readPart } from './metrics-file.ts';
import type { Position, StreamEvents } from './protocol.ts';
import type { IndexedRun, RunIndex } from './run-index.ts';
import type { RunWatch } from './run-watch.ts';

/** Proxies and sleeping machines drop connections on which nothing is said. */
const HEARTBEAT_MS = 15_000;
const RETRY_MS = 1_000;

export interface StreamOptions {
  readonly index: RunIndex;
  readonly watch: RunWatch;
  /** Of this server: ids of another one mean nothing. */
  readonly server: string;
  /** The last id that the reader has seen. */
  readonly after?: string | undefined;
  /** Leave out the metrics of single steps. */
  readonly epochs: boolean;
}

/** Sends events until the reader goes away. */
export async function streamEvents(
  response: ServerResponse,
  options: StreamOptions,
): Promise<void> {
  const { index, watch, server } = options;
  response.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    // nginx would collect them.
    'X-Accel-Buffering': 'no',
  });
  const stream = new EventStream(response, options);
  const closed = new AbortController();
  response.on('close', () => closed.abort());
  response.write(`retry: ${RETRY_MS}\n\n`);
  await index.refresh();
  const seen = revisionOf(options.after, server, index.revision);
  await stream.begin(seen);
  let isNews = false;
  let wake = () => {};
  using _listening = watch.listen(() => {
    isNews = true;
    wake();
  });
  const heartbeat = setInterval(() => response.write(':\n\n'), HEARTBEAT_MS);
  closed.signal.addEventListener('abort', () => wake());
  try {
    while (!closed.signal.aborted) {
      isNews = false;
      await stream.pump();
      if (isNews || closed.signal.aborted) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    clearInterval(heartbeat);
  }
}

/** What a reader has seen; undefined for one that has seen nothing of this server. */
function revisionOf(after: string | undefined, server: string, newest: number) {
  const [name, revision] = after?.split('.') ?? [];
  const number = Number(revision);
  return name === server && Number.isSafeInteger(number) && number <= newest ? number : undefined;
}

class EventStream {
  private readonly response: ServerResponse;
  private readonly options: StreamOptions;
  private seen = 0;
  /** To where a run's metrics have been sent, for the runs that were told of. */
  private readonly sent = new Map<string, Position>();

  constructor(response: ServerResponse, options: StreamOptions) {
    this.response = response;
    this.options = options;
  }

  /** @param seen the revision that the reader knows */
  async begin(seen: number | undefined): Promise<void> {
    this.seen = seen ?? 0;
    await this.send('hello', { complete: seen === undefined });
    const { runs } = this.options.index;
    for (const { id, view, revision } of runs.values()) {
      if (revision <= this.seen) this.sent.set(id, view.metrics);
    }
    await this.pump();
    await this.send('ready', {});
  }

  /** Tells of everything that changed since the last time, oldest first. */
  async pump(): Promise<void> {
    const { index } = this.options;
    const news: { revision: number; tell: () => Promise<void> }[] = [];
    for (const run of index.runs.values()) {
      news.push({ revision: run.revision, tell: () => this.tellRun(run) });
    }
    for (const [id, revision] of index.gone) {
      news.push({ revision, tell: () => this.tellGone(id, revision) });
    }
    news.sort((a, b) => a.revision - b.revision);
    const since = this.seen;
    for (const { revision, tell } of news) {
      if (revision <= since || this.response.closed) continue;
      await tell();
      this.seen = revision;
    }
  }

  private async tellRun(run: IndexedRun): Promise<void> {
    const { id, view, revision } = run;
    const isKnown = this.sent.has(id);
    const isDescribed = !isKnown || run.described > this.seen;
    // Records first: when a run says that an epoch is done, its numbers are there.
    if (isKnown) await this.tellMetrics(run, isDescribed ? undefined : revision);
    else this.sent.set(id, view.metrics);
    if (isDescribed) await this.send('run', view, revision);
  }

  private async tellGone(id: string, revision: number): Promise<void> {
    this.sent.delete(id);
    await this.send('gone', { id }, revision);
  }

  private async tellMetrics(run: IndexedRun, revision: number | undefined): Promise<void> {
    const { id, names, view } = run;
    const { index, epochs } = this.options;
    const end = offsetOf(view.metrics)!;
    await using file = await index.folder.open([...names, METRICS]);
    for (let from = this.sent.get(id)!; file && from !== view.metrics && !this.response.closed; ) {
      const part = await readPart(file.handle, { from, end, epochs });
      const isCut = part.from !== from || part.next === from;
      // By a run that was resumed: readers see that they have other lines, and ask.
      const told = isCut ? { from: view.metrics, next: view.metrics, records: [] } : part;
      const { next, records } = told;
      // Steps alone, where only epochs are wanted, wait for the next epoch's line.
      if (!isCut && records.length === 0 && next === view.metrics) return;
      const data = { id, from: told.from, next, records };
      await this.send('metrics', data, next === view.metrics ? revision : undefined);
      this.sent.set(id, next);
      from = next;
    }
  }

  /** Waits until the connection takes more. @param revision what is known to a reader of this */
  private async send<Name extends keyof StreamEvents>(
    name: Name,
    data: StreamEvents[Name],
    revision?: number,
  ): Promise<void> {
    const id = revision === undefined ? '' : `id: ${this.options.server}.${revision}\n`;
    const isFull = !this.response.write(`${id}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    if (!isFull || this.response.closed) return;
    await Promise.race([once(this.response, 'drain'), once(this.response, 'close')]);
  }
}
