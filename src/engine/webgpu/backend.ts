// The WebGPU backend: the same programs on any GPU, in Node.js and in a browser tab. Kernels are
// generated as WGSL for the program's shapes (compile.ts), share pipelines between layers of one
// shape, and run as one submission a step (executable.ts).

import type { Backend, ExecutableState } from '../backend.ts';
import type { GpuOptions } from '../backend-options.ts';
import type { Program } from '../program.ts';
import { type AdapterFacts, openDevice } from './adapter.ts';
import { hasRoom } from './bind.ts';
import { tileCandidates } from './candidates.ts';
import { type Ceilings, measureCeilings } from './ceilings.ts';
import { compileKernels } from './compile.ts';
import { Device } from './device.ts';
import { createExecutable, type WebGpuExecutable } from './executable.ts';
import type { GpuHost } from './host.ts';
import { type MatrixSize, matrixName } from './matrix-unit.ts';
import { planDeviceMemory } from './memory.ts';
import type { StorageFormat } from './storage.ts';
import { emulatedUnit, openTensorCores, TENSOR_CORE_FEATURES } from './tensor-cores.ts';
import { type TileCache, tilesNamed, tuneTiles } from './tune.ts';

export interface WebGpuOptions extends GpuOptions {
  readonly gpu: GpuHost;
  /** Part of an adapter's name; the fastest adapter where it is not given. */
  readonly adapterName?: string;
  /** How half precision is stored: 'f16' where the adapter has it (default), or packed in u32. */
  readonly halfStorage?: 'f16' | 'packed';
  /** For tests: the kernels for tensor cores of this kind, computed without any. */
  readonly emulatedTensorCores?: MatrixSize;
  /** Remembers what was measured. */
  readonly tileCache?: TileCache;
}

export interface WebGpuBackend extends Backend {
  readonly name: 'webgpu';
  readonly adapter: AdapterFacts;
  compile(program: Program, from?: ExecutableState): Promise<WebGpuExecutable>;
  /**
   * What the device could do at best.
   * @throws UserError where the adapter has no timestamps
   */
  measureCeilings(): Promise<Ceilings>;
}

/**
 * Opens a GPU.
 * @throws UserError where there is none, or none with that name, or tensor cores are asked for and
 *   something is missing
 */
export async function createWebGpuBackend(options: WebGpuOptions): Promise<WebGpuBackend> {
  const { tensorCores = 'auto' } = options;
  const experimental = options.half && tensorCores !== 'off' ? TENSOR_CORE_FEATURES : [];
  const open = await openDevice(options.gpu, options.adapterName, experimental);
  const device = new Device(open);
  const { adapter } = open;
  const hasHalf = open.device.features.has('shader-f16');
  const half = options.halfStorage ?? (hasHalf ? 'f16' : 'packed');
  const format: StorageFormat = options.half ? half : 'f32';
  const precision = PRECISIONS[format];
  const matrices = options.emulatedTensorCores
    ? emulatedUnit(options.emulatedTensorCores)
    : await openTensorCores(device, tensorCores, options.half ?? false).catch((error) => {
        device.dispose();
        throw error;
      });
  const candidates = tileCandidates({
    workgroupBytes: device.limits.maxComputeWorkgroupStorageSize,
    halfStaging: options.half && hasHalf,
    matrices,
  });
  const onMatrices = matrices ? `, tensor cores (${matrixName(matrices)})` : '';
  const measures =
    options.tune === 'auto' && !adapter.isSoftware && open.device.features.has('timestamp-query');
  return {
    name: 'webgpu',
    adapter,
    description: `WebGPU, ${adapter.name}, ${precision}${onMatrices}${adapter.isSoftware ? ' (a software adapter: slower than the CPU engine)' : ''}`,
    facts: {
      backend: 'webgpu',
      precision,
      half: options.half ?? false,
      tensorCores: matrices ? matrixName(matrices) : 'none',
      tiles: measures ? 'measured' : 'fixed',
      adapter: adapter.name,
      driver: adapter.driver,
      vendor: adapter.vendor,
      architecture: adapter.architecture,
      softwareAdapter: adapter.isSoftware,
    },
    async plan(program) {
      const plan = planDeviceMemory(program, compileKernels(program, { format }));
      return { bytes: plan.bytes, fits: await hasRoom(device, plan) };
    },
    async compile(program, from = {}) {
      // On another device the tiles would be no more than a guess, and the bits differ anyway.
      const known = from.adapter === adapter.name ? from.tiles : undefined;
      const measured = known === undefined && measures;
      const tiles = measured
        ? await tuneTiles(device, program, format, candidates, options.tileCache)
        : (known ?? {});
      const kernels = compileKernels(program, {
        tiles: tilesNamed(tiles, candidates),
        format,
        hideBounds: adapter.isSoftware,
      });
      const chosen = Object.keys(tiles).length > 0 && { adapter: adapter.name, tiles };
      return createExecutable(device, program, kernels, { lossScale: from.lossScale, ...chosen });
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
