// The adapter that tests run on: what this machine has, or SwiftShader out of Chromium. Without one
// the tests are skipped, saying why. TABLE6_TEST_ADAPTER picks one by a part of its name.

import { existsSync } from 'node:fs';
import { type AdapterFacts, findAdapter } from '../../../src/engine/webgpu/adapter.ts';
import {
  createWebGpuBackend,
  type WebGpuBackend,
  type WebGpuOptions,
} from '../../../src/engine/webgpu/backend.ts';
import { createNodeGpuHost } from '../../../src/engine/webgpu/host.node.ts';
import { messageOf } from '../../../src/util/errors.ts';

const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';
const ADAPTER_NAME = process.env.TABLE6_TEST_ADAPTER;

/** Mesa's CPU driver compiles kernels several times faster for 4 lanes than for 8. */
process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';

/** The adapter, or undefined after a message. */
export async function findTestAdapter(): Promise<AdapterFacts | undefined> {
  let problem: string;
  try {
    const host = createNodeGpuHost();
    const found = await findAdapter(host, ADAPTER_NAME);
    if (found) return found;
    if (existsSync(SWIFTSHADER)) {
      process.env.VK_ICD_FILENAMES = SWIFTSHADER;
      const software = await findAdapter(host, ADAPTER_NAME);
      if (software) return software;
    }
    problem = ADAPTER_NAME
      ? `no adapter has "${ADAPTER_NAME}" in its name`
      : `there is no adapter, not even a software one: ${host.adviceWithoutAdapter}`;
  } catch (error) {
    problem = messageOf(error);
  }
  console.warn(`skipped: the WebGPU tests, because ${problem}`);
  return undefined;
}

/** A backend on the adapter that `findTestAdapter` found. */
export function openTestBackend(
  options: Partial<Omit<WebGpuOptions, 'gpu'>> = {},
): Promise<WebGpuBackend> {
  return createWebGpuBackend({
    gpu: createNodeGpuHost(),
    adapterName: ADAPTER_NAME,
    ...options,
  });
}
