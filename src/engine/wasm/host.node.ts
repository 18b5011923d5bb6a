// Node.js as a host of the WebAssembly backend: worker_threads, and V8's compiler flags.

import { existsSync } from 'node:fs';
import module from 'node:module';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { UserError } from '../../util/errors.ts';
import { prepareCompiler, restoreCompiler } from './flags.node.ts';
import type { WasmHost, WasmWorker, WorkerEvents } from './host.ts';
import type { WorkerReply } from './protocol.ts';

/** What a worker is started with. */
export interface NodeWorkerData {
  /** Whether the main thread keeps compiled code on disk. */
  readonly compileCache: boolean;
}

/** The host for Node.js 24 and later. */
export function createNodeHost(): WasmHost {
  return { cores: availableParallelism(), prepareCompiler, startWorker };
}

/** @throws UserError where somebody has packed the engine into one file without its worker */
function workerEntry(extension: string): URL {
  try {
    const entry = new URL(`./worker.node.${extension}`, import.meta.url);
    if (entry.protocol !== 'file:' || existsSync(entry)) return entry;
  } catch {
    // A bundle may have no address.
  }
  throw new UserError(
    'The worker of the engine (worker.node.js) does not lie beside it, as in a bundle for Node.js: leave table6 out of the bundle, as an external package.',
  );
}

function startWorker(events: WorkerEvents): WasmWorker {
  // The compiler's flags hold for the whole process. A worker that runs from source strips types
  // with a WebAssembly module of Node's own, for which the optimising compiler takes seconds.
  restoreCompiler();
  // From source this file is .ts, from the built package .js; the worker's entry is its neighbour.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const entry = workerEntry(extension);
  // No inherited arguments: a loader or a test runner's hooks have no business in a worker.
  const workerData: NodeWorkerData = { compileCache: module.getCompileCacheDir() !== undefined };
  const worker = new Worker(entry, { execArgv: [], name: 'table6 wasm', workerData });
  let reason = 'it exited';
  let ending = false;
  worker.on('message', (reply: WorkerReply) => events.reply(reply));
  worker.on('error', (error: Error) => {
    reason = error.message;
  });
  worker.on('exit', () => {
    if (!ending) events.crashed(reason);
  });
  worker.unref();
  return {
    post: (request) => worker.postMessage(request),
    keepAlive: (active) => (active ? worker.ref() : worker.unref()),
    terminate: async () => {
      ending = true;
      await worker.terminate();
    },
  };
}
