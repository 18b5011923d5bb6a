// From what a user asks for (`--device auto|cpu|webgpu[:part of a name]`) to a backend. Nothing falls back
// silently: what is asked for and not there is an error; `auto` picks a real GPU if there is one, else the
// CPU, and the backend's description says which. Engines are imported when they are opened.

import { UserError } from '../util/errors.ts';
import type { Backend } from './backend.ts';
import type { WebGpuOptions } from './webgpu/backend.ts';
import type { GpuHost } from './webgpu/host.ts';

export const DEVICE_KINDS = ['auto', 'cpu', 'webgpu', 'reference'] as const;

/** A device as it is written: a kind, or `webgpu:` and part of a GPU's name. */
export type DeviceName = (typeof DEVICE_KINDS)[number] | `webgpu:${string}`;

export interface DeviceRequest {
  readonly kind: (typeof DEVICE_KINDS)[number];
  /** With 'webgpu': part of an adapter's name. */
  readonly adapterName?: string;
}

/** @throws UserError for a device that does not exist; "--device" goes before its sentence */
export function parseDevice(text: string): DeviceRequest {
  const kind = DEVICE_KINDS.find((known) => known === text.toLowerCase());
  if (kind) return { kind };
  const adapterName = /^webgpu:(.*)$/i.exec(text)?.[1]?.trim();
  if (adapterName) return { kind: 'webgpu', adapterName };
  throw new UserError(
    `must be auto, cpu, webgpu, webgpu:<part of the GPU's name> or reference, not "${text}"`,
    { exitCode: 2 },
  );
}

/** The same device, written in one way. */
export function deviceName({ kind, adapterName }: DeviceRequest): DeviceName {
  return adapterName === undefined ? kind : `webgpu:${adapterName}`;
}

/** What a host has to offer. */
export interface DeviceHosts {
  readonly gpu: GpuHost;
  openCpu(): Promise<Backend>;
  openReference(): Promise<Backend>;
}

export interface DeviceOptions
  extends Pick<WebGpuOptions, 'half' | 'tensorCores' | 'tune' | 'tileCache'> {}

/**
 * Says what a device cannot do in any case, before anything is opened.
 * @throws UserError for half precision on a device that never has it, and tensor cores without
 */
export function checkDeviceOptions(
  { kind }: DeviceRequest,
  { half, tensorCores }: DeviceOptions,
): void {
  if (tensorCores === 'on' && !half) {
    throw new UserError(
      '--tensor-cores on needs half precision: add --half, or leave --tensor-cores away.',
      { exitCode: 2 },
    );
  }
  if (kind === 'cpu') refuseHalf(half, 'and the CPU engine computes in float32 only');
  if (kind === 'reference') refuseHalf(half, 'and the reference computes in float64 only');
}

/**
 * Opens the backend that was asked for.
 * @throws UserError where it is not there, or cannot do what `options` want
 */
export async function openDeviceBackend(
  request: DeviceRequest,
  hosts: DeviceHosts,
  options: DeviceOptions = {},
): Promise<Backend> {
  checkDeviceOptions(request, options);
  const { gpu } = hosts;
  const { kind, adapterName } = request;
  switch (kind) {
    case 'webgpu':
      return await openGpu({ gpu, adapterName, ...options });
    case 'auto':
      if (await hasRealGpu(gpu)) return await openGpu({ gpu, ...options });
      refuseHalf(options.half, 'and auto finds none');
      return await hosts.openCpu();
    case 'cpu':
      return await hosts.openCpu();
    case 'reference':
      return await hosts.openReference();
    default:
      throw new Error(`unknown device ${kind satisfies never}`);
  }
}

function refuseHalf(half: boolean | undefined, reason: string): void {
  if (!half) return;
  throw new UserError(`--half needs a GPU, ${reason}: leave --half away, or use --device webgpu.`, {
    exitCode: 2,
  });
}

async function openGpu(options: WebGpuOptions): Promise<Backend> {
  const { createWebGpuBackend } = await import('./webgpu/backend.ts');
  return await createWebGpuBackend(options);
}

/** Whether there is an adapter that is worth picking without being asked for. */
export async function hasRealGpu(host: GpuHost): Promise<boolean> {
  if (!host.mayHaveGpu()) return false;
  const { findAdapter } = await import('./webgpu/adapter.ts');
  try {
    const adapter = await findAdapter(host);
    return adapter !== undefined && !adapter.isSoftware;
  } catch {
    return false;
  }
}
