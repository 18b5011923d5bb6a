// From a host to a device: which adapter, with every limit and feature that the engine can use, and
// sentences that help where there is none.

import { messageOf, UserError } from '../../util/errors.ts';
import type { GpuHost } from './host.ts';

/** A device, and what is known about its adapter. */
export interface OpenDevice {
  readonly device: GPUDevice;
  readonly adapter: AdapterFacts;
  /** What the adapter says of itself, which can be more than the device repeats. */
  readonly info: GPUAdapterInfo;
  /** See `GpuHost`. */
  readonly slowCallbacks?: boolean;
}

export interface AdapterFacts {
  /** The adapter's name for people. */
  readonly name: string;
  /** The driver and its version; empty where nobody says. */
  readonly driver: string;
  readonly vendor: string;
  readonly architecture: string;
  /** Computes on the CPU (lavapipe, SwiftShader): correct, and thousands of times too slow. */
  readonly isSoftware: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

/** Used where the adapter has them. */
const FEATURES = ['shader-f16', 'timestamp-query', 'subgroups'] as const;

/** Asked for as far as the adapter goes: the defaults (128 MiB bindings) are too small to train. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;

/**
 * Dawn for Node.js ends the process if the object that made a device is collected before the device;
 * this keeps it for as long.
 */
const ENTRY_POINTS = new WeakMap<GPUDevice | GPUAdapter, GPU>();

/**
 * Opens the best adapter, or the one with this name.
 * @param experimental features to use as well, where the adapter has them
 * @throws UserError that says what is missing and what was found
 */
export async function openDevice(
  host: GpuHost,
  adapterName?: string,
  experimental: readonly string[] = [],
): Promise<OpenDevice> {
  const gpu = await host.open(adapterName);
  const { adapter, facts } = await requestAdapter(gpu, host, adapterName);
  const features = [...FEATURES, ...experimental].filter((feature) =>
    (adapter.features as ReadonlySet<string>).has(feature),
  );
  const requiredLimits: Record<string, number> = {};
  for (const limit of LIMITS) requiredLimits[limit] = adapter.limits[limit];
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({
      requiredFeatures: features as GPUFeatureName[],
      requiredLimits,
    });
  } catch (cause) {
    throw new UserError(`The GPU "${facts.name}" cannot be opened: ${messageOf(cause)}`, { cause });
  }
  ENTRY_POINTS.set(device, gpu);
  return { device, adapter: facts, info: adapter.info, slowCallbacks: host.slowCallbacks };
}

/** Says what the adapter that would be picked is, without opening it; undefined if there is none. */
export async function findAdapter(
  host: GpuHost,
  adapterName?: string,
): Promise<AdapterFacts | undefined> {
  const gpu = await host.open(adapterName);
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) return undefined;
    ENTRY_POINTS.set(adapter, gpu);
    return await describeAdapter(adapter, host);
  } catch {
    return undefined;
  }
}

/** All adapters that the host tells of, or the one that would be picked where it tells of none. */
export async function listAdapters(host: GpuHost): Promise<AdapterFacts[]> {
  const names = (await host.adapterNames?.()) ?? [undefined];
  const adapters: AdapterFacts[] = [];
  for (const name of names) {
    const facts = await findAdapter(host, name);
    if (facts && !adapters.some((other) => other.name === facts.name)) adapters.push(facts);
  }
  return adapters;
}

async function requestAdapter(gpu: GPU, host: GpuHost, adapterName?: string) {
  let problem = '';
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter) {
      const facts = await describeAdapter(adapter, host);
      if (matches(facts, adapterName)) return { adapter, facts };
      problem = ` (found "${facts.name}")`;
    }
  } catch (error) {
    const found = (await host.adapterNames?.()) ?? [];
    if (adapterName && found.length > 0) {
      throw new UserError(
        `No GPU has "${adapterName}" in its name; there ${found.length === 1 ? 'is' : 'are'} ${found.join(', ')}: give a part of one of these names.`,
        { cause: error, code: 'no-gpu-of-that-name', facts: { name: adapterName, found } },
      );
    }
    problem = ` (${messageOf(error).split('\n', 1)[0]})`;
  }
  const missing = adapterName ? `GPU with "${adapterName}" in its name` : 'usable GPU';
  const facts = {
    problem: `WebGPU finds no ${missing}${problem}`,
    advice: host.adviceWithoutAdapter,
  };
  throw new UserError(`${facts.problem}. ${facts.advice}`, { code: 'no-gpu', facts });
}

function matches({ name, vendor }: AdapterFacts, part?: string): boolean {
  return !part || `${vendor} ${name}`.toLowerCase().includes(part.toLowerCase());
}

async function describeAdapter(adapter: GPUAdapter, host: GpuHost): Promise<AdapterFacts> {
  const { vendor, architecture, device } = adapter.info;
  const { name, driver } = await nameAdapter(adapter.info, host);
  const limits: Record<string, number> = {};
  for (const limit of LIMITS) limits[limit] = adapter.limits[limit];
  const isSoftware =
    adapter.info.isFallbackAdapter === true ||
    /swiftshader|llvmpipe|lavapipe|basic render|null-backend/i.test(
      `${name} ${device} ${architecture}`,
    );
  return {
    name,
    driver,
    vendor,
    architecture,
    isSoftware,
    features: [...adapter.features].map(String).sort(),
    limits,
  };
}

/** Names for people: `device` is the name in small letters and dashes, where it is there at all. */
async function nameAdapter(info: GPUAdapterInfo, host: GpuHost) {
  const { vendor, architecture, device, description } = info;
  const anyName = [vendor, architecture].filter(Boolean).join(' ') || 'unnamed';
  if (host.describes === 'adapter') {
    return { name: description || device || anyName, driver: '' };
  }
  const names = (await host.adapterNames?.()) ?? [];
  const name = names.find((each) => each.toLowerCase().replace(/[^a-z0-9]+/g, '-') === device);
  return { name: name ?? (device || anyName), driver: description };
}
