// Entry of a Web Worker: connects its messages with the engine's worker.

import type { WorkerReply, WorkerRequest } from './protocol.ts';
import { createWorker } from './worker.ts';

interface WorkerScope {
  onmessage: ((event: { readonly data: WorkerRequest }) => void) | null;
  postMessage(reply: WorkerReply): void;
}
const scope = globalThis as unknown as WorkerScope;

const handle = createWorker((reply) => scope.postMessage(reply));
scope.onmessage = ({ data }) => handle(data);
