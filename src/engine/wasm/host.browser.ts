// A browser as a host of the WebAssembly backend: Web Workers over shared memory, which browsers allow
// on cross-origin isolated pages only.

import type { WasmHost, WasmWorker, WorkerEvents } from './host.ts';
import type { WorkerReply, WorkerRequest } from './protocol.ts';

/** What is used of a Web Worker; the library's types must not ask for the whole DOM. */
export interface WebWorker {
  onmessage: ((event: { readonly data: WorkerReply }) => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
  postMessage(request: WorkerRequest): void;
  terminate(): void;
}

interface BrowserGlobals {
  readonly crossOriginIsolated?: boolean;
  readonly navigator: { readonly hardwareConcurrency?: number };
}
const globals = globalThis as unknown as BrowserGlobals;

/** Bundlers look for `new Worker(new URL(...), ...)` of the global, literally. */
declare const Worker: new (url: URL, options: { type: 'module'; name: string }) => WebWorker;

/** Whether this page may share memory with its workers. */
export function mayShareMemory(): boolean {
  return globals.crossOriginIsolated === true;
}

/**
 * The host for a page or a worker of it.
 * @param options.createWorker makes a worker that runs worker.browser.ts, for pages whose bundler does
 *   not find it by itself
 */
export function createBrowserHost(options: { createWorker?: () => WebWorker } = {}): WasmHost {
  const createWorker =
    options.createWorker ??
    (() =>
      new Worker(new URL('./worker.browser.js', import.meta.url), {
        type: 'module',
        name: 'table6 wasm',
      }));
  return {
    cores: globals.navigator.hardwareConcurrency ?? 1,
    // Browsers choose their compiler's way themselves.
    prepareCompiler() {},
    startWorker: (events) => startWorker(createWorker(), events),
  };
}

function startWorker(worker: WebWorker, events: WorkerEvents): WasmWorker {
  worker.onmessage = ({ data }) => events.reply(data);
  worker.onerror = ({ message }) => events.crashed(message || 'its script could not be loaded');
  return {
    post: (request) => worker.postMessage(request),
    // A page lives as long as it is open.
    keepAlive() {},
    terminate: async () => worker.terminate(),
  };
}
