// The server's runs as the page has them: the list, and the metrics of those that somebody looks at,
// kept up to date. Metrics are asked for once, from the beginning; after that the stream brings what is
// new, and a gap (sleep, a lost line, a run that was resumed) is filled by asking from where they end.

import type { MetricsRecord } from '../../runs/metrics.ts';
import type { MetricsEvent, Position, ServedRun } from '../../server/protocol.ts';
import { openStream, type ServedClient, type StreamOptions } from './client.ts';

export type FeedChange =
  | { readonly kind: 'runs' }
  | { readonly kind: 'connection'; readonly isOpen: boolean }
  | {
      readonly kind: 'metrics';
      readonly id: string;
      readonly appended: readonly MetricsRecord[];
      /** What was there before is no longer in the run: it was resumed from an earlier moment. */
      readonly isAnew: boolean;
    }
  | { readonly kind: 'problem'; readonly id: string; readonly message: string };

interface Followed {
  position: Position;
  /** To where the server has told of records. */
  told: Position;
  records: MetricsRecord[];
  isAsking: boolean;
}

export class RunFeed implements Disposable {
  private readonly client: ServedClient;
  private readonly onChange: (change: FeedChange) => void;
  private readonly epochs: boolean;
  private readonly stream: Disposable;
  private readonly known = new Map<string, ServedRun>();
  private readonly followed = new Map<string, Followed>();

  constructor(
    client: ServedClient,
    onChange: (change: FeedChange) => void,
    options: StreamOptions = {},
  ) {
    this.client = client;
    this.onChange = onChange;
    this.epochs = options.epochs ?? false;
    let isComplete = false;
    this.stream = openStream(
      client.base,
      {
        connection: (isOpen) => onChange({ kind: 'connection', isOpen }),
        hello: ({ complete }) => {
          isComplete = false;
          if (complete) this.known.clear();
        },
        run: (run) => {
          this.known.set(run.id, run);
          if (isComplete) onChange({ kind: 'runs' });
        },
        gone: ({ id }) => {
          this.known.delete(id);
          if (isComplete) onChange({ kind: 'runs' });
        },
        ready: () => {
          isComplete = true;
          onChange({ kind: 'runs' });
          for (const id of this.followed.keys()) this.hear(id, this.known.get(id)?.metrics ?? '0');
        },
        metrics: (event) => this.take(event),
      },
      options,
    );
  }

  /** The runs that there are now, in the order in which they were told. */
  get runs(): readonly ServedRun[] {
    return [...this.known.values()];
  }

  /** What is known of a followed run's metrics. */
  records(id: string): readonly MetricsRecord[] {
    return this.followed.get(id)?.records ?? [];
  }

  /** Loads a run's metrics and keeps them up to date. */
  follow(id: string): void {
    if (this.followed.has(id)) return;
    this.followed.set(id, { position: '0', told: '0', records: [], isAsking: false });
    this.hear(id, this.known.get(id)?.metrics ?? '0');
  }

  /** Forgets its metrics. */
  unfollow(id: string): void {
    this.followed.delete(id);
  }

  [Symbol.dispose](): void {
    this.stream[Symbol.dispose]();
    this.followed.clear();
  }

  private take({ id, from, next, records }: MetricsEvent): void {
    const run = this.followed.get(id);
    if (run === undefined) return;
    if (run.isAsking || run.position !== from) {
      this.hear(id, next);
      return;
    }
    run.position = next;
    run.told = next;
    this.append(id, run, records, false);
  }

  /** The server has records up to `told`. */
  private hear(id: string, told: Position): void {
    const run = this.followed.get(id);
    if (run === undefined) return;
    run.told = told;
    if (run.isAsking || run.position === told) return;
    run.isAsking = true;
    this.ask(id, run)
      .catch((error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        this.onChange({ kind: 'problem', id, message });
      })
      .finally(() => {
        run.isAsking = false;
      });
  }

  private async ask(id: string, run: Followed): Promise<void> {
    for (let to = ''; to !== run.told; ) {
      to = run.told;
      for (let isMore = true; isMore; ) {
        const { from, next, more, records } = await this.client.metrics(id, {
          from: run.position,
          to,
          epochs: this.epochs,
        });
        if (this.followed.get(id) !== run) return;
        const isAnew = from !== run.position;
        if (isAnew) run.records = [];
        run.position = next;
        isMore = more;
        this.append(id, run, records, isAnew);
      }
    }
  }

  private append(
    id: string,
    run: Followed,
    records: readonly MetricsRecord[],
    isAnew: boolean,
  ): void {
    run.records.push(...records);
    if (records.length > 0 || isAnew) {
      this.onChange({ kind: 'metrics', id, appended: records, isAnew });
    }
  }
}
