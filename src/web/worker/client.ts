// The page's end of the protocol: requests as promises, events for whoever listens, and news of a
// worker that died (out of memory, ended by the browser), after which another one can be started.
// Nothing is computed here.

import type {
  Answer,
  Ask,
  CommandName,
  Message,
  Progress,
  Request,
  WorkerError,
  WorkerEvent,
} from './protocol.ts';

/** What is used of a Web Worker. */
export interface PageWorker {
  onmessage: ((event: { readonly data: Message }) => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
  postMessage(request: Request): void;
  terminate(): void;
}

/** A request that was refused; `code` and `facts` say what a page can offer to mend it. */
export class RequestError extends Error {
  readonly code: string;
  readonly facts: WorkerError['facts'];
  constructor({ code, message, facts }: WorkerError) {
    super(message);
    this.name = 'RequestError';
    this.code = code;
    this.facts = facts;
  }
}

/** The code of every request that a worker's end left without an answer. */
export const WORKER_ENDED = 'worker-ended';

export interface ClientOptions {
  /** Starts a worker that runs worker.ts. */
  readonly createWorker?: () => PageWorker;
  /** Told when the worker died by itself; `start` begins another. */
  readonly onEnd?: (error: WorkerError) => void;
}

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: RequestError): void;
  onProgress?: (progress: Progress) => void;
}

interface Locks {
  request(
    name: string,
    options: { readonly signal: AbortSignal },
    callback: () => void,
  ): Promise<unknown>;
}
const { locks } =
  (globalThis as unknown as { readonly navigator?: { readonly locks?: Locks } }).navigator ?? {};

/** Bundlers look for this expression, literally. */
declare const Worker: new (url: URL, options: { type: 'module'; name: string }) => PageWorker;
const createOwnWorker = () =>
  new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'table6 training' });

export class TrainingClient {
  private readonly options: ClientOptions;
  private readonly waiting = new Map<number, Waiting>();
  private readonly listeners = new Set<(event: WorkerEvent) => void>();
  private worker: PageWorker | undefined;
  private watch: AbortController | undefined;
  private lastId = 0;

  /** Starts a worker. */
  constructor(options: ClientOptions = {}) {
    this.options = options;
    this.start();
  }

  /** Whether there is a worker. */
  get isAlive(): boolean {
    return this.worker !== undefined;
  }

  /** Starts a worker where there is none. What was saved before is in its runs. */
  start(): void {
    if (this.worker) return;
    const worker = (this.options.createWorker ?? createOwnWorker)();
    this.worker = worker;
    worker.onmessage = ({ data }) => this.receive(worker, data);
    worker.onerror = ({ message }) => this.ended(worker, message || 'its script did not load');
  }

  /**
   * Asks the worker.
   * @throws RequestError with one sentence for people
   */
  ask<K extends CommandName>(
    kind: K,
    ...[ask, onProgress]: unknown extends Ask<K>
      ? [ask?: undefined, onProgress?: (progress: Progress) => void]
      : [ask: Ask<K>, onProgress?: (progress: Progress) => void]
  ): Promise<Answer<K>> {
    const { worker } = this;
    if (!worker) return Promise.reject(new RequestError(endedError('it was ended')));
    const id = ++this.lastId;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, onProgress });
    });
    // The compiler cannot see that `kind` and `ask` belong together.
    worker.postMessage({ id, kind, ask } as Request);
    return answer as Promise<Answer<K>>;
  }

  /** @returns a function that ends it */
  listen(listener: (event: WorkerEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Ends the worker at once; what was not saved is lost. Ask it to `stop` first. */
  end(): void {
    const { worker } = this;
    if (worker) this.let(worker, 'it was ended');
  }

  private receive(worker: PageWorker, message: Message): void {
    if (worker !== this.worker) return;
    switch (message.kind) {
      case 'ready':
        if (message.lock !== undefined) this.watchLock(worker, message.lock);
        return;
      case 'event':
        for (const listener of this.listeners) listener(message.event);
        return;
      case 'progress':
        this.waiting.get(message.id)?.onProgress?.(message.progress);
        return;
      case 'answer':
        this.waiting.get(message.id)?.resolve(message.answer);
        break;
      case 'error':
        this.waiting.get(message.id)?.reject(new RequestError(message.error));
        break;
      default:
        throw new Error(`unknown message ${message satisfies never}`);
    }
    this.waiting.delete(message.id);
  }

  /** The worker holds this lock as long as it lives; a browser tells of its death in no other way. */
  private watchLock(worker: PageWorker, name: string): void {
    const watch = new AbortController();
    this.watch = watch;
    locks
      ?.request(name, { signal: watch.signal }, () => this.ended(worker, 'the browser ended it'))
      .catch(() => {}); // aborted by `let`
  }

  private ended(worker: PageWorker, reason: string): void {
    if (worker !== this.worker) return;
    this.let(worker, reason);
    this.options.onEnd?.(endedError(reason));
  }

  private let(worker: PageWorker, reason: string): void {
    worker.terminate();
    this.worker = undefined;
    this.watch?.abort();
    const left = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject } of left) reject(new RequestError(endedError(reason)));
  }
}

function endedError(reason: string): WorkerError {
  return {
    code: WORKER_ENDED,
    message: `The training worker is gone (${reason}). What was saved before is whole: start it again and go on from there.`,
    facts: { reason },
  };
}
