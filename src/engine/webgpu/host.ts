// What the WebGPU backend needs from the machine it runs on: a `GPU` object, and sentences for the
// moment when there is none. Node.js gets it from the npm package `webgpu` (Dawn), a browser tab from
// `navigator.gpu`; everything else in this folder is the same in both.

/// <reference types="@webgpu/types" />

export interface GpuHost {
  /**
   * The entry point to the adapters of this machine.
   * @param adapterName part of an adapter's name, where the host can choose by name
   * @throws UserError that says what is missing: package, browser support, loader
   */
  open(adapterName?: string): Promise<GPU>;
  /** The names of all adapters, where the host tells them; their order means nothing. */
  adapterNames?(): Promise<readonly string[]>;
  /** What `info.description` of an adapter describes; the specification leaves it open. */
  readonly describes: 'adapter' | 'driver';
  /**
   * Whether waiting for the device takes a tenth of a second unless something is submitted meanwhile
   * (Firefox: Mozilla bug 1870699).
   */
  readonly slowCallbacks?: boolean;
  /** False where a look shows that there can be no GPU, which saves starting a driver to hear it. */
  mayHaveGpu(): boolean;
  /** What is missing or what a user can do when `requestAdapter` finds nothing, in sentences. */
  readonly adviceWithoutAdapter: string;
}

/** Numbers of the WebGPU specification, whose global constants Node.js does not have. */
export const BUFFER_USAGE = {
  mapRead: 0x0001,
  copySource: 0x0004,
  copyTarget: 0x0008,
  uniform: 0x0040,
  storage: 0x0080,
  queryResolve: 0x0200,
} as const;
export const MAP_READ = 0x0001;
export const SHADER_STAGE_COMPUTE = 0x4;
