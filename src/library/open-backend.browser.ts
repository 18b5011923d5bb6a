// `openBackend` in a browser, on a page or in a worker of it. 'auto' takes WebGPU where there is a real
// adapter that passes the self-test, else WebAssembly on Web Workers where the page is cross-origin
// isolated, else on this thread alone; the description says what was taken and why.

import type { Backend } from '../engine/backend.ts';
import type { BackendOptions } from '../engine/backend-options.ts';
import { type BackendHost, openBackendOn } from '../engine/open-backend.ts';
import { createBrowserHost, mayShareMemory, type WebWorker } from '../engine/wasm/host.browser.ts';
import { createInlineHost } from '../engine/wasm/host-inline.ts';
import { createBrowserGpuHost } from '../engine/webgpu/host.browser.ts';
import { UserError } from '../util/errors.ts';

export interface BrowserBackendOptions extends BackendOptions {
  /** Makes a worker that runs worker.browser.js, for bundlers that do not find it by themselves. */
  readonly createWorker?: () => WebWorker;
}

/**
 * Opens a backend. Dispose of it when it is no longer needed.
 *
 *     const backend = await openBackend({ device: 'auto' });
 *     console.log(backend.description); // WebGPU, Apple M2, float32 (it passed the self-test)
 *
 * @throws UserError where what is asked for is not there, such as threads on a page that is not
 *   cross-origin isolated
 */
export function openBackend(options: BrowserBackendOptions = {}): Promise<Backend> {
  return openBackendOn(browserHost(options), options);
}

function browserHost({ createWorker }: BrowserBackendOptions): BackendHost {
  return {
    testsGpu: true,
    openGpuHost: async () => createBrowserGpuHost(),
    async openCpuHost(asked) {
      if (mayShareMemory()) {
        const host = createBrowserHost({ createWorker });
        return { host, threads: asked ?? host.cores };
      }
      if (asked !== undefined && asked > 1) throw threadsNeedIsolation(asked);
      const note = 'one thread, because the page is not cross-origin isolated';
      return { host: createInlineHost(), threads: 1, note };
    },
  };
}

function threadsNeedIsolation(threads: number): UserError {
  return new UserError(
    'Threads need a page that is cross-origin isolated: serve it with "Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp", or leave threads away.',
    { code: 'threads-need-isolation', facts: { threads } },
  );
}
