// Entry of the training worker. It holds a lock for as long as it lives, by which the page learns that
// the browser has ended it; nothing else would tell.

import type { Message, Request } from './protocol.ts';
import { createService } from './service.ts';

interface WorkerScope {
  onmessage: ((event: { readonly data: Request }) => void) | null;
  postMessage(message: Message): void;
  readonly navigator: {
    readonly locks?: { request(name: string, work: () => Promise<void>): Promise<void> };
  };
}
const scope = globalThis as unknown as WorkerScope;

const service = createService((message) => scope.postMessage(message));
scope.onmessage = async ({ data }) => (await service)(data);

const { locks } = scope.navigator;
const lock = `table6 worker ${crypto.randomUUID()}`;
if (locks) {
  locks.request(lock, () => {
    scope.postMessage({ kind: 'ready', lock });
    return new Promise(() => {}); // until the worker ends
  });
} else {
  scope.postMessage({ kind: 'ready' });
}
