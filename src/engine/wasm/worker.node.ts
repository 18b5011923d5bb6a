// Entry of a worker thread in Node.js: connects the message port with the engine's worker.
//
// A worker does not inherit the compile cache. Where the main thread has one, the worker turns it on
// before it loads the engine: types are then stripped and code compiled once and not at every start,
// which is half of a worker's start.

import { enableCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { NodeWorkerData } from './host.node.ts';
import type { WorkerRequest } from './protocol.ts';

if (!parentPort) throw new Error('worker.node runs in a worker thread only');
const port = parentPort;
if ((workerData as NodeWorkerData).compileCache) enableCompileCache();
const { createWorker } = await import('./worker.ts');
const handle = createWorker((reply) => port.postMessage(reply));
port.on('message', (request: WorkerRequest) => handle(request));
