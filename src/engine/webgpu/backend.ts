// The WebGPU backend: the same programs on any GPU, in Node.js and in a browser tab. Kernels are
// generated as WGSL for the program's shapes (compile.ts), share pipelines between layers of one
// shape, and run as one submission a step (executable.ts).

import type { Backend } from '../backend.ts';
import type { Program } from '../program.ts';
import { type AdapterFacts, openDevice } from './adapter.ts';
import { type Ceilings, measureCeilings } from './ceilings.ts';
import { compileKernels, DEFAULT_TILES } from './compile.ts';
import { Device } from './device.ts';
import { createExecutable, type WebGpuExecutable } from './executable.ts';
import type { GpuHost } from './host.ts';
import type { StorageFormat } from './storage.ts';
import { type TileCache, tuneTiles } from './tune.ts';

export interface WebGpuOptions {
  readonly gpu: GpuHost;
  /** Part of an adapter's name; the fastest adapter where it is not given. */
  readonly adapterName?: string;
  /**
   * Mixed precision (default false): feature maps and their gradients are stored in half precision;
   * arithmetic, sums, statistics and weights stay float32, and training scales its loss.
   */
  readonly half?: boolean;
  /** How half precision is stored: 'f16' where the adapter has it (default), or packed in u32. */
  readonly halfStorage?: 'f16' | 'packed';
  /** Measures tile shapes when a program is compiled; 'off' (default) takes fixed ones. */
  readonly tune?: 'on' | 'off';
  /** Remembers what was measured. */
  readonly tileCache?: TileCache;
}

export interface WebGpuBackend extends Backend {
  readonly name: 'webgpu';
  readonly adapter: AdapterFacts;
  compile(program: Program): Promise<WebGpuExecutable>;
  /**
   * What the device could do at best.
   * @throws UserError where the adapter has no timestamps
   */
  measureCeilings(): Promise<Ceilings>;
}

/**
 * Opens a GPU.
 * @throws UserError where there is none, or none with that name
 */
export async function createWebGpuBackend(options: WebGpuOptions): Promise<WebGpuBackend> {
  const open = await openDevice(options.gpu, options.adapterName);
  const device = new Device(open);
  const { adapter } = open;
  const hasHalf = open.device.features.has('shader-f16');
  const half = options.halfStorage ?? (hasHalf ? 'f16' : 'packed');
  const format: StorageFormat = options.half ? half : 'f32';
  const precision = PRECISIONS[format];
  return {
    name: 'webgpu',
    adapter,
    description: `WebGPU, ${adapter.name}, ${precision}${adapter.isSoftware ? ' (a software adapter: slower than --device cpu)' : ''}`,
    facts: {
      backend: 'webgpu',
      precision,
      adapter: adapter.name,
      vendor: adapter.vendor,
      architecture: adapter.architecture,
      softwareAdapter: adapter.isSoftware,
    },
    async compile(program) {
      const tiles =
        options.tune === 'on' && !adapter.isSoftware
          ? await tuneTiles(device, program, format, options.tileCache)
          : DEFAULT_TILES;
      const hideBounds = adapter.isSoftware;
      return createExecutable(
        device,
        program,
        compileKernels(program, { tiles, format, hideBounds }),
      );
    },
    measureCeilings: () => measureCeilings(device),
    dispose: async () => device.dispose(),
  };
}

const PRECISIONS: Record<StorageFormat, string> = {
  f32: 'float32',
  f16: 'mixed precision (float16 feature maps)',
  packed: 'mixed precision (packed float16 feature maps)',
};
