// From --device, --threads, --conv, --half, --tensor-cores and --tune to a backend. Every command opens it
// by the library's `openBackend`, with what was typed or what a run is configured with.

import { availableParallelism } from 'node:os';
import type { Backend } from '../../engine/backend.ts';
import type { BackendOptions } from '../../engine/backend-options.ts';
import { checkThreads, chooseDevice, type DeviceName, deviceName } from '../../engine/devices.ts';
import * as library from '../../library/open-backend.node.ts';

/** Threads when none are asked for: every core this process may use. */
export function defaultThreads(): number {
  return availableParallelism();
}

/** What was typed. */
interface TypedChoice extends Omit<BackendOptions, 'multiplyAdd' | 'threads'> {
  readonly threads?: number | undefined;
}

/**
 * What was typed, checked for what it cannot do in any case, before data are loaded. `auto` with an
 * algorithm of the CPU engine is the CPU, and a run records it so: what was typed decides this once, not
 * what machine a run is resumed on.
 * @throws UserError as `chooseDevice` and `checkThreads`
 */
export function backendOptions(typed: TypedChoice): BackendOptions & {
  readonly device: DeviceName;
  readonly threads: number;
} {
  const { convolution = 'auto', half, tensorCores, tune } = typed;
  const device = deviceName(chooseDevice({ ...typed, convolution }));
  const threads = typed.threads ?? defaultThreads();
  checkThreads(threads, defaultThreads());
  return { device, threads, convolution, half, tensorCores, tune };
}

/**
 * Opens a backend that is disposed with the scope that opened it.
 * @throws UserError as the library's `openBackend` does
 */
export async function openBackend(options: BackendOptions): Promise<Backend & AsyncDisposable> {
  const backend = await library.openBackend(options);
  return Object.assign(backend, { [Symbol.asyncDispose]: () => backend.dispose() });
}

/** A backend that is being opened; disposed with the scope that opened it, however that ends. */
export interface OpeningBackend extends AsyncDisposable {
  /** Rejects as `openBackend` does. */
  readonly backend: Promise<Backend>;
}

/**
 * Begins to open a backend, so that its threads start while the caller loads data. What was asked of
 * a GPU is waited for, so that nobody loads data for one that is not there.
 * @throws UserError as `openBackend` does, where a GPU or half precision was asked for
 */
export async function beginOpening(choice: BackendOptions): Promise<OpeningBackend> {
  const backend = openBackend(choice);
  // Whoever needs the backend hears of it; if nobody comes to need it, it was not the first error.
  backend.catch(() => {});
  if (choice.half || choice.device?.startsWith('webgpu')) await backend;
  return {
    backend,
    [Symbol.asyncDispose]: async () => {
      await (await backend.catch(() => undefined))?.dispose();
    },
  };
}
