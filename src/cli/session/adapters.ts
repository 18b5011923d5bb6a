// The GPUs that the optional package `webgpu` (Dawn for Node.js) finds. It is no dependency of ours,
// so everything it gives is checked before it is believed.

import { messageOf } from '../../util/errors.ts';

export interface GpuFacts {
  /** Whether the package `webgpu` is installed. */
  readonly installed: boolean;
  /** One line for each adapter. */
  readonly adapters: readonly string[];
  /** Why there is none, where there is none. */
  readonly problem?: string;
}

type Import = () => Promise<unknown>;

/** The name is not written as an import, so that no bundler or compiler looks for the package. */
const PACKAGE = 'webgpu';

/** @param load imports the package; fails where it is not installed */
export async function findAdapters(load: Import = () => import(PACKAGE)): Promise<GpuFacts> {
  let loaded: unknown;
  try {
    loaded = await load();
  } catch {
    return {
      installed: false,
      adapters: [],
      problem: 'the optional package webgpu is not installed',
    };
  }
  try {
    const adapter = await requestAdapter(loaded);
    if (adapter === null) return { installed: true, adapters: [], problem: 'no adapter found' };
    return { installed: true, adapters: [describe(adapter)] };
  } catch (error) {
    return { installed: true, adapters: [], problem: messageOf(error) };
  }
}

async function requestAdapter(loaded: unknown): Promise<object | null> {
  const create = property(loaded, 'create');
  if (typeof create !== 'function') throw new Error('the package webgpu has no function "create"');
  const gpu: unknown = create([]);
  const request = property(gpu, 'requestAdapter');
  if (typeof request !== 'function') throw new Error('the package webgpu gives no GPU object');
  const adapter: unknown = await request.call(gpu, { powerPreference: 'high-performance' });
  return typeof adapter === 'object' ? adapter : null;
}

function describe(adapter: object): string {
  const info = property(adapter, 'info');
  const parts = ['vendor', 'architecture', 'device', 'description']
    .map((name) => property(info, name))
    .filter((part): part is string => typeof part === 'string' && part !== '');
  const features = property(adapter, 'features');
  const half = features instanceof Set || hasMethod(features) ? features.has('shader-f16') : false;
  return `${parts.join(', ') || 'unnamed adapter'}${half ? ' (half precision)' : ''}`;
}

function hasMethod(value: unknown): value is { has(name: string): boolean } {
  return typeof property(value, 'has') === 'function';
}

function property(value: unknown, name: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null)
    return undefined;
  return Reflect.get(value, name);
}
