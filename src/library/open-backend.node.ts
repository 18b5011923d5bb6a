// `openBackend` on Node.js: worker threads, Dawn (the optional package webgpu), and a folder that
// remembers which tiles were fastest on a GPU.

import type { Backend } from '../engine/backend.ts';
import type { BackendOptions } from '../engine/backend-options.ts';
import { type BackendHost, openBackendOn } from '../engine/open-backend.ts';

/**
 * Opens a backend. Dispose of it when it is no longer needed.
 *
 *     const backend = await openBackend({ device: 'auto' });
 *
 * @throws UserError where what is asked for is not there, cannot do what is asked, or does not start
 */
export function openBackend(options: BackendOptions = {}): Promise<Backend> {
  return openBackendOn(nodeHost, options);
}

const nodeHost: BackendHost = {
  // A driver that crashes would take the process with it; `doctor` tests GPUs in one of their own.
  testsGpu: false,
  openGpuHost: async () => (await import('../engine/webgpu/host.node.ts')).createNodeGpuHost(),
  async openCpuHost(threads) {
    const host = (await import('../engine/wasm/host.node.ts')).createNodeHost();
    return { host, threads: threads ?? host.cores };
  },
  async openTileCache() {
    const [{ createFileTileCache }, { cacheFolder }] = await Promise.all([
      import('../engine/webgpu/tile-cache.node.ts'),
      import('../data/load.node.ts'),
    ]);
    return createFileTileCache(cacheFolder());
  },
};
