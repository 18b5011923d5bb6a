// The main thread's side of the workers: loads programs into all of them, starts steps and waits for
// the one reply, and turns a dead worker into an error that says so.

import { UserError } from '../../util/errors.ts';
import type { WasmHost, WasmWorker } from './host.ts';
import type { WorkerReply, WorkerRequest } from './protocol.ts';

/** The number under which the workers' start is waited for. */
const START = 0;

interface Pending {
  /** Replies still to come. */
  left: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class WorkerPool {
  readonly threads: number;
  /** More threads than cores take turns, and must not spin while they wait. */
  readonly spin: boolean;
  private readonly workers: WasmWorker[];
  private readonly pending = new Map<number, Pending>();
  private broken: Error | undefined;
  private nextId = 1;

  /** Starts the workers and waits until all can be given work. */
  static async start(host: WasmHost, threads: number): Promise<WorkerPool> {
    const pool = new WorkerPool(host, threads);
    await pool.expect(START, threads);
    return pool;
  }

  private constructor(host: WasmHost, threads: number) {
    this.threads = threads;
    this.spin = threads <= host.cores;
    this.workers = Array.from({ length: threads }, () =>
      host.startWorker({
        reply: (reply) => this.receive(reply),
        crashed: (reason) => this.breakDown(reason),
      }),
    );
  }

  /** A number for a new program. */
  takeId(): number {
    return this.nextId++;
  }

  /** Sends a program to every worker and waits until all have it. */
  load(id: number, request: (thread: number) => WorkerRequest): Promise<void> {
    return this.request(id, this.threads, request);
  }

  /** Starts a step in every worker and waits until it is done. */
  run(id: number, request: WorkerRequest): Promise<void> {
    return this.request(id, 1, () => request);
  }

  unload(id: number): void {
    if (this.broken) return;
    for (const worker of this.workers) worker.post({ kind: 'unload', id });
  }

  async dispose(): Promise<void> {
    this.fail(new Error('the wasm backend was disposed'));
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private request(
    id: number,
    replies: number,
    request: (thread: number) => WorkerRequest,
  ): Promise<void> {
    const done = this.expect(id, replies);
    if (!this.broken) {
      this.workers.forEach((worker, thread) => {
        worker.post(request(thread));
      });
    }
    return done;
  }

  private expect(id: number, replies: number): Promise<void> {
    if (this.broken) return Promise.reject(this.broken);
    return new Promise((resolve, reject) => {
      this.pending.set(id, { left: replies, resolve, reject });
      this.keepAlive();
    });
  }

  private receive(reply: WorkerReply): void {
    const id = reply.kind === 'ready' ? START : reply.id;
    const pending = this.pending.get(id);
    if (!pending) return;
    if (reply.kind === 'failed') {
      this.pending.delete(id);
      pending.reject(new Error(`A worker thread failed: ${reply.reason}`));
    } else {
      pending.left--;
      if (pending.left > 0) return;
      this.pending.delete(id);
      pending.resolve();
    }
    this.keepAlive();
  }

  /** One dead worker leaves the others waiting for ever: end them all. */
  private breakDown(reason: string): void {
    if (this.broken) return;
    this.fail(
      new UserError(
        `A worker thread of the wasm backend stopped (${reason}), so the step was lost; start again from the last checkpoint, with fewer threads if memory was short.`,
      ),
    );
    for (const worker of this.workers) void worker.terminate();
  }

  private fail(error: Error): void {
    this.broken ??= error;
    for (const { reject } of this.pending.values()) reject(this.broken);
    this.pending.clear();
  }

  /** Idle workers do not keep the process alive. */
  private keepAlive(): void {
    const active = this.pending.size > 0;
    for (const worker of this.workers) worker.keepAlive(active);
  }
}
