// A host without threads: the only worker is the calling thread itself. For pages that may not share
// memory with workers, and for places that have none. A step blocks until it is done.

import type { WasmHost, WasmWorker, WorkerEvents } from './host.ts';
import type { WorkerReply } from './protocol.ts';
import { createWorker } from './worker.ts';

/** One core; the bits are those of any number of threads. */
export function createInlineHost(): WasmHost {
  return { cores: 1, prepareCompiler() {}, startWorker };
}

function startWorker(events: WorkerEvents): WasmWorker {
  let ended = false;
  // Replies come later, as from a worker: whoever posts a request is not waiting for its reply yet.
  const handle = createWorker((reply: WorkerReply) =>
    queueMicrotask(() => {
      if (!ended) events.reply(reply);
    }),
  );
  return {
    post: handle,
    keepAlive() {},
    terminate: async () => {
      ended = true;
    },
  };
}
