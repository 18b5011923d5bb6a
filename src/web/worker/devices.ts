// What the worker computes with: one backend at a time, opened when something is to be computed, and
// another one only when nothing trains on it.

import type { Backend } from '../../engine/backend.ts';
import { mayShareMemory, type WebWorker } from '../../engine/wasm/host.browser.ts';
import type { MultiplyAdd } from '../../engine/wasm/kernels/context.ts';
import { createBrowserGpuHost } from '../../engine/webgpu/host.browser.ts';
import { openBackend } from '../../library/open-backend.browser.ts';
import type { TrainConfig } from '../../train/config.ts';
import { UserError } from '../../util/errors.ts';
import type { DeviceChoice, DeviceFacts, TabFacts } from './protocol.ts';

/** Bundlers look for this expression, literally. */
declare const Worker: new (url: URL, options: { type: 'module'; name: string }) => WebWorker;
const createWorker = () =>
  new Worker(new URL('../../engine/wasm/worker.browser.ts', import.meta.url), {
    type: 'module',
    name: 'table6 wasm',
  });

/** What decides the bits of a run beside its weights, and how many threads there are. */
export interface Computing
  extends Partial<Pick<TrainConfig, 'half' | 'convolution' | 'tensorCores' | 'tune'>> {
  readonly device: DeviceChoice;
  readonly threads?: number;
  readonly multiplyAdd?: MultiplyAdd;
}

export class Devices {
  /** Asked for on the page. */
  private choice: Pick<Computing, 'device' | 'threads'> = { device: 'auto' };
  private opened: { readonly key: string; readonly backend: Promise<Backend> } | undefined;
  private users = 0;

  /** Chooses for what is computed from now on. */
  async choose(choice: Pick<Computing, 'device' | 'threads'>): Promise<DeviceFacts> {
    this.choice = choice;
    return deviceFacts(await this.backend());
  }

  /** A backend for a glance: whichever is open, or as it was chosen. */
  async backend(): Promise<Backend> {
    return this.users > 0 && this.opened ? await this.opened.backend : await this.open({});
  }

  /**
   * A backend to train on, which nobody closes before it is given back.
   * @throws UserError where something else is training on another kind
   */
  async take(computing: Partial<Computing>): Promise<Backend> {
    const backend = await this.open(computing);
    this.users++;
    return backend;
  }

  giveBack(): void {
    this.users--;
  }

  /** Forgets a backend that is lost; the next one is opened anew. */
  async forget(): Promise<void> {
    const { opened } = this;
    this.opened = undefined;
    await (await opened?.backend)?.dispose().catch(() => {}); // it may have nothing left to end
  }

  private async open(computing: Partial<Computing>): Promise<Backend> {
    const wanted = { ...this.choice, ...withoutUndefined(computing) };
    const key = JSON.stringify(Object.entries(wanted).sort());
    if (this.opened?.key === key) return await this.opened.backend;
    if (this.users > 0) {
      throw new UserError(
        'Another run is training that computes otherwise: stop it before this one begins.',
      );
    }
    await this.forget();
    const backend = openBackend({ ...wanted, createWorker });
    this.opened = { key, backend };
    backend.catch(() => {
      this.opened = undefined;
    });
    return await backend;
  }
}

export function deviceFacts({ name, description, facts }: Backend): DeviceFacts {
  return { kind: name, description, threads: Number(facts.threads ?? 1) };
}

interface Cores {
  readonly navigator: { readonly hardwareConcurrency?: number };
}

/** What this tab may compute with. */
export async function computingFacts(): Promise<Pick<TabFacts, 'cores' | 'isolated' | 'gpu'>> {
  const { navigator } = globalThis as unknown as Cores;
  return {
    cores: navigator.hardwareConcurrency ?? 1,
    isolated: mayShareMemory(),
    gpu: await gpuKind(),
  };
}

async function gpuKind(): Promise<TabFacts['gpu']> {
  const host = createBrowserGpuHost();
  if (!host.mayHaveGpu()) return 'none';
  const { findAdapter } = await import('../../engine/webgpu/adapter.ts');
  const adapter = await findAdapter(host).catch(() => undefined);
  if (!adapter) return 'none';
  return adapter.isSoftware ? 'software' : 'real';
}

function withoutUndefined<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}
