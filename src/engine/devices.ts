// From what a user asks for (`--device auto|cpu|webgpu[:part of a name]`) to a backend. Nothing falls back
// silently: what is asked for and not there is an error; `auto` picks a real GPU if there is one, else the
// CPU, and the backend's description says which.

import { UserError } from '../util/errors.ts';
import type { Backend } from './backend.ts';
import { findAdapter } from './webgpu/adapter.ts';
import { createWebGpuBackend, type WebGpuOptions } from './webgpu/backend.ts';
import type { GpuHost } from './webgpu/host.ts';

export interface DeviceRequest {
  readonly kind: 'auto' | 'cpu' | 'webgpu' | 'reference';
  /** With 'webgpu': part of an adapter's name. */
  readonly adapterName?: string;
}

/** @throws UserError for a device that does not exist */
export function parseDevice(text: string): DeviceRequest {
  const [kind, ...rest] = text.split(':');
  const adapterName = rest.join(':').trim();
  switch (kind) {
    case 'webgpu':
      return adapterName === '' ? { kind } : { kind, adapterName };
    case 'auto':
    case 'cpu':
    case 'reference':
      if (rest.length === 0) return { kind };
      break;
  }
  throw new UserError(
    `There is no device "${text}": use auto, cpu, webgpu, webgpu:<part of the GPU's name> or reference.`,
    { exitCode: 2 },
  );
}

/** What a host has to offer. */
export interface DeviceHosts {
  readonly gpu: GpuHost;
  openCpu(): Promise<Backend>;
  openReference(): Promise<Backend>;
}

export interface DeviceOptions extends Pick<WebGpuOptions, 'half' | 'tune' | 'tileCache'> {}

/**
 * Opens the backend that was asked for.
 * @throws UserError where it is not there, or cannot do what `options` want
 */
export async function openDeviceBackend(
  request: DeviceRequest,
  hosts: DeviceHosts,
  options: DeviceOptions = {},
): Promise<Backend> {
  const { gpu } = hosts;
  switch (request.kind) {
    case 'webgpu':
      return await createWebGpuBackend({ gpu, adapterName: request.adapterName, ...options });
    case 'auto':
      if (await hasRealGpu(gpu)) return await createWebGpuBackend({ gpu, ...options });
      refuseHalf(options, 'and auto finds no GPU');
      return await hosts.openCpu();
    case 'cpu':
      refuseHalf(options, 'and the CPU engine computes in float32 only');
      return await hosts.openCpu();
    case 'reference':
      refuseHalf(options, 'and the reference computes in float64 only');
      return await hosts.openReference();
    default:
      throw new Error(`unknown device ${request.kind satisfies never}`);
  }
}

function refuseHalf({ half }: DeviceOptions, reason: string): void {
  if (!half) return;
  throw new UserError(`--half needs a GPU, ${reason}: leave --half away, or use --device webgpu.`);
}

/** Whether there is an adapter that is worth picking without being asked for. */
async function hasRealGpu(host: GpuHost): Promise<boolean> {
  if (!host.mayHaveGpu()) return false;
  try {
    const adapter = await findAdapter(host);
    return adapter !== undefined && !adapter.isSoftware;
  } catch {
    return false;
  }
}
