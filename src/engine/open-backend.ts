// The one door to the backends, for Node.js and browsers: from what a user asks for to a backend.
// Nothing falls back silently: what is asked for and not there is an error; 'auto' takes a real GPU if
// there is one, else the CPU, and the backend's description says which and why. What a host has to offer
// is in library/open-backend.node.ts and open-backend.browser.ts. Engines are imported when opened.

import { messageOf } from '../util/errors.ts';
import type { Backend } from './backend.ts';
import type { BackendOptions } from './backend-options.ts';
import { chooseDevice, halfNeedsGpu } from './devices.ts';
import type { WasmHost } from './wasm/host.ts';
import type { GpuHost } from './webgpu/host.ts';
import type { TileCache } from './webgpu/tune.ts';

/** What a host has to offer. */
export interface BackendHost {
  openGpuHost(): Promise<GpuHost>;
  /** @throws UserError where so many threads cannot be had here */
  openCpuHost(threads: number | undefined): Promise<CpuHost>;
  /** Remembers measured tiles. */
  openTileCache?(): Promise<TileCache>;
  /** Whether 'auto' believes in a GPU only after it has computed a training step correctly. */
  readonly testsGpu: boolean;
}

export interface CpuHost {
  readonly host: WasmHost;
  readonly threads: number;
  /** Why not more threads, where that needs to be said. */
  readonly note?: string;
}

/**
 * Opens the backend that is asked for.
 * @throws UserError where it is not there, cannot do what is asked, or does not start
 */
export async function openBackendOn(
  host: BackendHost,
  options: BackendOptions = {},
): Promise<Backend> {
  const { kind, adapterName } = chooseDevice(options);
  switch (kind) {
    case 'webgpu':
      return await openGpu(host, options, adapterName);
    case 'auto':
      return await openAny(host, options);
    case 'cpu':
      return await openCpu(host, options);
    case 'reference':
      return (await import('./reference/backend.ts')).createReferenceBackend();
    default:
      throw new Error(`unknown device ${kind satisfies never}`);
  }
}

async function openGpu(
  host: BackendHost,
  { half, tensorCores, tune }: BackendOptions,
  adapterName?: string,
): Promise<Backend> {
  const [{ createWebGpuBackend }, gpu, tileCache] = await Promise.all([
    import('./webgpu/backend.ts'),
    host.openGpuHost(),
    host.openTileCache?.(),
  ]);
  return await createWebGpuBackend({ gpu, adapterName, half, tensorCores, tune, tileCache });
}

async function openCpu(host: BackendHost, options: BackendOptions): Promise<Backend> {
  const { convolution, multiplyAdd } = options;
  const [{ createWasmBackend }, cpu] = await Promise.all([
    import('./wasm/backend.ts'),
    host.openCpuHost(options.threads),
  ]);
  const { threads, note } = cpu;
  const backend = await createWasmBackend({ host: cpu.host, threads, convolution, multiplyAdd });
  return note === undefined ? backend : described(backend, note);
}

/** 'auto': a GPU that can be believed in, else the CPU, with the reason in the description. */
async function openAny(host: BackendHost, options: BackendOptions): Promise<Backend> {
  const problem = await gpuProblem(await host.openGpuHost());
  if (problem === undefined) {
    if (!host.testsGpu) return await openGpu(host, options);
    const tested = await openTested(host, options);
    if (typeof tested !== 'string') return tested;
    if (options.half) throw halfNeedsGpu('auto');
    return described(await openCpu(host, options), tested);
  }
  if (options.half) throw halfNeedsGpu('auto');
  const cpu = await openCpu(host, options);
  return host.testsGpu ? described(cpu, problem) : cpu;
}

/** A GPU that computes a training step as the oracle does, or why it is not taken. */
async function openTested(host: BackendHost, options: BackendOptions): Promise<Backend | string> {
  const { selfTest } = await import('./self-test.ts');
  let backend: Backend | undefined;
  try {
    backend = await openGpu(host, options);
    const { ok, deviation, where } = await selfTest(backend);
    if (ok) return described(backend, 'it passed the self-test');
    await backend.dispose();
    return `the GPU failed the self-test: ${where} is wrong by ${deviation.toPrecision(2)}`;
  } catch (error) {
    await backend?.dispose();
    return `the GPU failed the self-test: ${messageOf(error)}`;
  }
}

/** Why 'auto' takes no GPU; undefined where there is one that is worth it. */
async function gpuProblem(gpu: GpuHost): Promise<string | undefined> {
  if (!gpu.mayHaveGpu()) return 'there is no WebGPU here';
  const { findAdapter } = await import('./webgpu/adapter.ts');
  try {
    const adapter = await findAdapter(gpu);
    if (adapter === undefined) return 'WebGPU finds no GPU';
    return adapter.isSoftware
      ? `WebGPU finds only "${adapter.name}", which is software`
      : undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Whether there is an adapter that is worth picking without being asked for. */
export async function hasRealGpu(gpu: GpuHost): Promise<boolean> {
  return (await gpuProblem(gpu)) === undefined;
}

function described<B extends Backend>(backend: B, note: string): B {
  return { ...backend, description: `${backend.description} (${note})` };
}
