// Runs inside the page: the tiny training on the browser's own WebGPU.

import { createWebGpuBackend } from '../../src/engine/webgpu/backend.ts';
import { createBrowserGpuHost } from '../../src/engine/webgpu/host.browser.ts';
import { trainTiny } from './tiny-training.ts';

export async function trainInPage(): Promise<{ losses: number[]; description: string }> {
  const backend = await createWebGpuBackend({ gpu: createBrowserGpuHost() });
  const losses = await trainTiny(backend);
  await backend.dispose();
  return { losses, description: backend.description };
}
