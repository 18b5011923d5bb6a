// From --device, --threads, --conv, --half, --tensor-cores and --tune to a backend (engine/devices.ts), with
// what Node.js has to offer: worker threads, Dawn, and a folder to remember tile shapes in.

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
import type { MultiplyAdd } from '../../engine/wasm/kernels/context.ts';
import type { Facts } from '../../runs/summary.ts';
import type { TrainConfig } from '../../train/config.ts';
import { UserError } from '../../util/errors.ts';

/** What decides the backend; a run's configuration is one. */
export type BackendChoice = Pick<
  TrainConfig,
  'device' | 'threads' | 'convolution' | 'half' | 'tensorCores' | 'tune'
> & {
  /** Of the CPU engine. See `multiplyAddBefore`. */
  readonly multiplyAdd?: MultiplyAdd | undefined;
};

/** Threads when none are asked for: every core this process may use. */
export function defaultThreads(): number {
  return availableParallelism();
}

/** What was typed; `conv` is a run's `convolution`, as the command line calls it. */
type TypedChoice = Pick<BackendChoice, 'device' | 'half'> &
  Partial<Pick<BackendChoice, 'tensorCores'>> & { readonly conv?: BackendChoice['convolution'] };

/**
 * The device that was typed. `auto` with an algorithm of the CPU engine is the CPU, and a run records
 * it so: what was typed decides this once, not what machine a run is resumed on. Says at once what a
 * choice cannot do, before data are loaded.
 * @throws UserError for half precision on a device that never has it, tensor cores without, and an
 * algorithm of the CPU engine for another one
 */
export function chooseDevice({ device, conv = 'auto', ...options }: TypedChoice): DeviceName {
  const request = parseDevice(device);
  if (conv !== 'auto' && request.kind !== 'auto' && request.kind !== 'cpu') {
    throw new UserError(
      `--conv ${conv} is an algorithm of the CPU engine: leave --conv away, or use --device cpu instead of ${device}.`,
      { exitCode: 2 },
    );
  }
  if (conv !== 'auto' && options.half) {
    throw new UserError(
      `--half needs a GPU, and --conv ${conv} is an algorithm of the CPU engine: leave one of them away.`,
      { exitCode: 2 },
    );
  }
  checkDeviceOptions(request, options);
  return conv === 'auto' ? device : 'cpu';
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

/**
 * What a run that goes on gives the CPU engine: the multiply-add of its first session there. Earlier
 * versions chose it by measuring, and another one would change the last bits of everything.
 */
export function multiplyAddBefore(
  sessions: readonly { readonly backend: Facts }[],
): MultiplyAdd | undefined {
  const first = sessions.find(({ backend }) => backend.name === 'wasm');
  const recorded = first?.backend.multiplyAdd;
  return recorded === 'fused' || recorded === 'separate' ? recorded : undefined;
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
  multiplyAdd,
}: Pick<BackendChoice, 'threads' | 'convolution' | 'multiplyAdd'>): Promise<WasmBackend> {
  const [{ createWasmBackend }, { createNodeHost }] = await Promise.all([
    import('../../engine/wasm/backend.ts'),
    import('../../engine/wasm/host.node.ts'),
  ]);
  return createWasmBackend({ threads, convolution, multiplyAdd, host: createNodeHost() });
}
