// WebGPU in Node.js: Dawn, from the optional npm package `webgpu`. The package brings Dawn itself;
// the driver (on Linux, Vulkan and its loader) is the machine's.

import { existsSync } from 'node:fs';
import { messageOf, UserError } from '../../util/errors.ts';
import type { GpuHost } from './host.ts';

export interface NodeGpuOptions {
  /** Dawn's backend: 'null' checks shaders without computing. Default: the platform's own. */
  readonly backend?: string;
  /** Dawn's toggles, beside those that the engine asks for. */
  readonly dawnFeatures?: readonly string[];
}

/**
 * `vulkan_enable_f16_on_nvidia`: NVIDIA's half precision, which Dawn hides from older drivers.
 * `allow_unsafe_apis`: subgroup matrices are still behind it.
 */
const DAWN_FEATURES = ['vulkan_enable_f16_on_nvidia', 'allow_unsafe_apis'];
/** It rounds timestamps to 65.5 µs (2¹⁶ ns), and kernels of a GPU take less. */
const WITHOUT_DAWN_FEATURES = ['timestamp_quantization'];

/** What the drivers of GPUs make on Linux: render nodes, NVIDIA without them, Windows' subsystem. */
const GPU_FILES = ['/dev/dri', '/dev/nvidiactl', '/dev/dxg'];

export function createNodeGpuHost(options: NodeGpuOptions = {}): GpuHost {
  return {
    async open(adapterName) {
      const { create } = await importDawn();
      const features = [...DAWN_FEATURES, ...(options.dawnFeatures ?? [])];
      return create([
        `enable-dawn-features=${features.join(',')}`,
        `disable-dawn-features=${WITHOUT_DAWN_FEATURES.join(',')}`,
        ...(options.backend ? [`backend=${options.backend}`] : []),
        ...(adapterName ? [`adapter=${adapterName}`] : []),
      ]);
    },
    mayHaveGpu: () => process.platform !== 'linux' || GPU_FILES.some((file) => existsSync(file)),
    adviceWithoutAdapter:
      process.platform === 'linux'
        ? 'On Linux WebGPU needs the Vulkan loader (libvulkan.so.1) and a Vulkan driver for the GPU (`vulkaninfo --summary` lists what there is); otherwise use --device cpu.'
        : 'Update the graphics driver, or use --device cpu.',
  };
}

async function importDawn(): Promise<typeof import('webgpu')> {
  try {
    return await import('webgpu');
  } catch (cause) {
    throw new UserError(
      `WebGPU in Node.js needs the optional npm package "webgpu", which cannot be loaded (${firstLine(messageOf(cause))}): run \`npm install webgpu\`, or use --device cpu.`,
      { cause },
    );
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] as string;
}
