// What a caller chooses about a backend, apart from the code that opens one: the types of the library
// that others compile against mention these and must not need WebGPU's own types.

import type { DeviceName } from './devices.ts';
import type { WasmBackendOptions } from './wasm/backend.ts';

/** What a GPU is opened with. */
export interface GpuOptions {
  /**
   * Mixed precision (default false): feature maps and their gradients are stored in half precision, and
   * convolutions may round their factors to it; sums, statistics and weights stay float32, and
   * training scales its loss.
   */
  readonly half?: boolean;
  /**
   * Weight gradients of convolutions on tensor cores, which multiply in half precision. 'auto' (default)
   * takes them with `half` where there are any, and where tiles are measured only if they are faster.
   * 'on' insists that there are some.
   */
  readonly tensorCores?: 'auto' | 'on' | 'off';
  /**
   * 'auto' measures tile shapes when a program is compiled, where the device is a GPU and has a clock;
   * 'off' (default) takes fixed ones.
   */
  readonly tune?: 'auto' | 'off';
}

/** What to compute on, and how. What a device does not know is ignored by it. */
export interface BackendOptions
  extends GpuOptions,
    Pick<WasmBackendOptions, 'threads' | 'convolution' | 'multiplyAdd'> {
  /** Default 'auto': a real GPU if there is one, else the CPU. `webgpu:` may name part of a GPU. */
  readonly device?: DeviceName;
}
