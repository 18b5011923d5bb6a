// From --device, --threads, --half, --tensor-cores and --tune to a backend (engine/devices.ts), with what
// Node.js has to offer: worker threads, Dawn, and a folder to remember tile shapes in.

import { availableParallelism } from 'node:os';
import type { Backend } from '../../engine/backend.ts';
import {
  checkDeviceOptions,
  type DeviceHosts,
  type DeviceName,
  openDeviceBackend,
  parseDevice,
} from '../../engine/devices.ts';
import type { WasmBackend } from '../../engine/wasm/backend.ts';
import type { TrainConfig } from '../../train/config.ts';

/** What decides the backend; a run's configuration is one. */
export type BackendChoice = Pick<
  TrainConfig,
  'device' | 'threads' | 'convolution' | 'half' | 'tensorCores' | 'tune'
>;

/** Threads when none are asked for: every core this process may use. */
export function defaultThreads(): number {
  return availableParallelism();
}

/**
 * Says at once what a choice cannot do, before data are loaded.
 * @throws UserError for half precision on a device that never has it, and tensor cores without
 */
export function checkDevice({
  device,
  ...options
}: Pick<BackendChoice, 'device' | 'half'> & Partial<Pick<BackendChoice, 'tensorCores'>>): void {
  checkDeviceOptions(parseDevice(device), options);
}

/** @throws UserError where the device is not there, cannot do what is asked, or does not start */
export async function openBackend(choice: BackendChoice): Promise<Backend> {
  const { device, half, tensorCores, tune } = choice;
  const request = parseDevice(device);
  checkDeviceOptions(request, { half, tensorCores });
  const mayUseGpu = request.kind === 'webgpu' || request.kind === 'auto';
  return await openDeviceBackend(request, await createHosts(choice), {
    half,
    tensorCores,
    tune,
    tileCache: mayUseGpu ? await openTileCache() : undefined,
  });
}

async function createHosts(choice: BackendChoice): Promise<DeviceHosts> {
  const { createNodeGpuHost } = await import('../../engine/webgpu/host.node.ts');
  return {
    gpu: createNodeGpuHost(),
    openCpu: () => openCpuBackend(choice),
    openReference: async () =>
      (await import('../../engine/reference/backend.ts')).createReferenceBackend(),
  };
}

async function openTileCache() {
  const [{ createFileTileCache }, { cacheFolder }] = await Promise.all([
    import('../../engine/webgpu/tile-cache.node.ts'),
    import('../../data/load.node.ts'),
  ]);
  return createFileTileCache(cacheFolder());
}

/**
 * Where a run goes on: where it was last, because only there its bits are those of an uninterrupted
 * run. A run that left the choice open stays on the CPU even if there is a GPU now.
 * @param asked for when the run began
 * @param last name of the backend of its latest session, as environment.json has it
 */
export function deviceBefore(asked: DeviceName, last: unknown): DeviceName {
  switch (last) {
    case 'wasm':
      return 'cpu';
    case 'reference':
      return 'reference';
    case 'webgpu':
      return asked === 'cpu' || asked === 'reference' ? 'webgpu' : asked;
    default:
      return asked;
  }
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
export async function beginOpening(choice: BackendChoice): Promise<OpeningBackend> {
  const backend = openBackend(choice);
  // Whoever needs the backend hears of it; if nobody comes to need it, it was not the first error.
  backend.catch(() => {});
  if (choice.half || parseDevice(choice.device).kind === 'webgpu') await backend;
  return {
    backend,
    [Symbol.asyncDispose]: async () => {
      await backend.then(
        (opened) => opened.dispose(),
        () => {},
      );
    },
  };
}

/** The CPU engine, whose executables can say where their time goes. */
export async function openCpuBackend({
  threads,
  convolution,
}: Pick<BackendChoice, 'threads' | 'convolution'>): Promise<WasmBackend> {
  const [{ createWasmBackend }, { createNodeHost }] = await Promise.all([
    import('../../engine/wasm/backend.ts'),
    import('../../engine/wasm/host.node.ts'),
  ]);
  return createWasmBackend({ threads, convolution, host: createNodeHost() });
}
