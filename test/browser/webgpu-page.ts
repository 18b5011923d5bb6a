// Runs inside the page: the checks on the browser's own WebGPU, with files that the test serves.

import { createWebGpuBackend } from '../../src/engine/webgpu/backend.ts';
import { createBrowserGpuHost } from '../../src/engine/webgpu/host.browser.ts';
import { createChecks } from '../support/checks.ts';

export const checks = createChecks({
  open: (precision) =>
    createWebGpuBackend({ gpu: createBrowserGpuHost(), half: precision === 'mixed' }),
  async bytesOf(address) {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${address}: ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  },
  log: (text) => console.info(text),
});
