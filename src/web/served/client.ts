// How the page asks the server of `table6 ui` (the addresses are in server/protocol.ts). On a static
// site there is none, which `isServed` tells without a request: a failed one would be an error in the
// console.

import {
  type CachedData,
  type MetricsPart,
  type Position,
  type RunList,
  SERVED_META,
  type StreamEvents,
} from '../../server/protocol.ts';

/** As much of a document as is needed here. */
interface Page {
  querySelector(selector: string): unknown;
  readonly baseURI: string;
  readonly visibilityState?: string;
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
}

/** The document; none in a worker or in Node.js. */
function pageHere(): Page | undefined {
  return (globalThis as { document?: Page }).document;
}

/** Whether `table6 ui` served this page. */
export function isServed(page = pageHere()): boolean {
  return page?.querySelector(`meta[name="${SERVED_META}"]`) != null;
}

export interface MetricsQuery {
  readonly from?: Position;
  readonly to?: Position;
  /** Leave out the records of single steps. */
  readonly epochs?: boolean;
}

export class ServedClient {
  /** Ends with a slash. */
  readonly base: string;

  /** @param base the page's address */
  constructor(base = pageHere()?.baseURI ?? '') {
    this.base = new URL('.', base).href;
  }

  /** @throws Error with the server's sentence, like all of these */
  async runs(): Promise<RunList> {
    return (await this.get('api/runs')).json() as Promise<RunList>;
  }

  /** One part; there may be `more`. */
  async metrics(id: string, query: MetricsQuery = {}): Promise<MetricsPart> {
    const asked = new URLSearchParams();
    if (query.from !== undefined) asked.set('from', query.from);
    if (query.to !== undefined) asked.set('to', query.to);
    if (query.epochs) asked.set('epochs', '');
    const answer = await this.get(`api/runs/${encodeURIComponent(id)}/metrics?${asked}`);
    return answer.json() as Promise<MetricsPart>;
  }

  /** The bytes of `config.json`, `checkpoints/best.safetensors` and the like. */
  async runFile(id: string, name: string): Promise<Uint8Array> {
    const path = name.split('/').map(encodeURIComponent).join('/');
    return this.bytes(`api/runs/${encodeURIComponent(id)}/files/${path}`);
  }

  async cachedData(dataset: string): Promise<CachedData> {
    return (await this.get(`api/data/${dataset}`)).json() as Promise<CachedData>;
  }

  async cachedFile(dataset: string, name: string): Promise<Uint8Array> {
    return this.bytes(`api/data/${dataset}/${encodeURIComponent(name)}`);
  }

  private async bytes(path: string): Promise<Uint8Array> {
    return new Uint8Array(await (await this.get(path)).arrayBuffer());
  }

  private async get(path: string): Promise<Response> {
    const answer = await fetch(`${this.base}${path}`);
    if (answer.ok) return answer;
    const { error } = (await answer.json().catch(() => ({}))) as { error?: string };
    throw new Error(error ?? `The server answered ${answer.status} to ${path}.`);
  }
}

export type StreamListeners = {
  readonly [Name in keyof StreamEvents]: (data: StreamEvents[Name]) => void;
} & {
  /** The connection has come or gone. */
  readonly connection: (isOpen: boolean) => void;
};

export interface StreamOptions {
  readonly epochs?: boolean;
  /** For tests. */
  readonly EventSource?: typeof globalThis.EventSource;
  readonly page?: Page | undefined;
}

const NAMES: readonly (keyof StreamEvents)[] = ['hello', 'run', 'gone', 'metrics', 'ready'];
const RETRY_MS = 2_000;

/**
 * Listens to the server until it is disposed, and comes back by itself with what it has seen. A hidden
 * page lets go: browsers give a server six connections in all, and a few tabs would take them.
 */
export function openStream(
  base: string,
  listeners: StreamListeners,
  options: StreamOptions = {},
): Disposable {
  const { EventSource = globalThis.EventSource, page = pageHere(), epochs = false } = options;
  let source: EventSource | undefined;
  let lastId = '';
  let timer: ReturnType<typeof setTimeout> | undefined;
  const disconnect = () => {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  };
  const connect = () => {
    disconnect();
    const query = new URLSearchParams();
    if (epochs) query.set('epochs', '');
    if (lastId !== '') query.set('after', lastId);
    const opened = new EventSource(`${base}api/events?${query}`);
    source = opened;
    opened.onopen = () => listeners.connection(true);
    opened.onerror = () => {
      if (source !== opened) return;
      listeners.connection(false);
      // It tries again by itself where the line broke, but not where it was refused.
      if (opened.readyState === EventSource.CLOSED) timer = setTimeout(connect, RETRY_MS);
    };
    for (const name of NAMES) {
      opened.addEventListener(name, (event) => {
        const { data, lastEventId } = event as MessageEvent as {
          data: string;
          lastEventId: string;
        };
        lastId = lastEventId || lastId;
        listeners[name](JSON.parse(data));
      });
    }
  };
  const turn = () => {
    if (page?.visibilityState === 'hidden') disconnect();
    else if (source === undefined) connect();
  };
  page?.addEventListener?.('visibilitychange', turn);
  turn();
  return {
    [Symbol.dispose]() {
      page?.removeEventListener?.('visibilitychange', turn);
      disconnect();
    },
  };
}
