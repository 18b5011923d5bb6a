// WebGPU in Node.js: Dawn, from the optional npm package `webgpu`. The package brings Dawn itself;
// the driver (on Linux, Vulkan and its loader) is the machine's.

import { messageOf, UserError } from '../../util/errors.ts';
import type { GpuHost } from './host.ts';
import { gpuDevices, vulkanAdvice, vulkanFacts } from './vulkan.node.ts';

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

/** A name that no adapter has: asked for it, Dawn lists those that there are. */
const NO_ADAPTER = '(none of them)';

export function createNodeGpuHost(options: NodeGpuOptions = {}): GpuHost {
  const open = async (adapterName?: string): Promise<GPU> => {
    const { create } = await importDawn();
    const features = [...DAWN_FEATURES, ...(options.dawnFeatures ?? [])];
    return create([
      `enable-dawn-features=${features.join(',')}`,
      `disable-dawn-features=${WITHOUT_DAWN_FEATURES.join(',')}`,
      ...(options.backend ? [`backend=${options.backend}`] : []),
      ...(adapterName ? [`adapter=${adapterName}`] : []),
    ]);
  };
  const list = async () => [...new Set(await namesOf(open))];
  // Each time would start the drivers again.
  let names: Promise<string[]> | undefined;
  return {
    open,
    adapterNames() {
      names ??= list();
      return names;
    },
    describes: 'driver',
    mayHaveGpu: () => process.platform !== 'linux' || gpuDevices().length > 0,
    get adviceWithoutAdapter() {
      return process.platform === 'linux'
        ? vulkanAdvice(vulkanFacts())
        : 'Update the graphics driver.';
    },
  };
}

/** The names of all adapters that this process sees, two of the same model twice. */
export async function visibleAdapters(): Promise<readonly string[]> {
  const { create } = await importDawn();
  const names = await namesOf(async (name) => create([`adapter=${name}`]));
  // On Windows each has a line for each of its interfaces.
  return process.platform === 'win32' ? [...new Set(names)] : names;
}

async function namesOf(open: (adapterName: string) => Promise<GPU>): Promise<string[]> {
  const gpu = await open(NO_ADAPTER);
  try {
    await gpu.requestAdapter();
    return [];
  } catch (error) {
    return namesIn(messageOf(error));
  }
}

/** Dawn writes a line for each adapter. */
function namesIn(message: string): string[] {
  return [...message.matchAll(/name: '([^']+)'/g)].map(([, name]) => name as string);
}

async function importDawn(): Promise<typeof import('webgpu')> {
  try {
    return await import('webgpu');
  } catch (cause) {
    const reason = firstLine(messageOf(cause));
    throw new UserError(
      `WebGPU in Node.js needs the optional npm package "webgpu", which cannot be loaded (${reason}): run \`npm install webgpu\`, or compute on the CPU.`,
      { cause, code: 'webgpu-package-missing', facts: { reason } },
    );
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] as string;
}
