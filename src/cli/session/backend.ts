// From --device, --threads and --half to a backend. Nothing falls back silently: what is asked for
// and not there is an error that says what to do; `auto` picks, and its description says what.

import { availableParallelism } from 'node:os';
import type { Backend } from '../../engine/backend.ts';
import type { WasmBackend } from '../../engine/wasm/backend.ts';
import type { Device, TrainConfig } from '../../train/config.ts';
import { UserError } from '../../util/errors.ts';

export interface BackendChoice {
  readonly device: Device;
  readonly threads: number;
  readonly convolution: TrainConfig['convolution'];
  readonly half: boolean;
}

/** Threads when none are asked for: every core this process may use. */
export function defaultThreads(): number {
  return availableParallelism();
}

/**
 * Says at once what a choice cannot do, before data are loaded.
 * @throws UserError for a device that is not there or half precision that it does not have
 */
export function checkDevice({ device, half }: Pick<BackendChoice, 'device' | 'half'>): void {
  if (half) {
    const engine = device === 'webgpu' ? 'WebGPU' : 'CPU';
    throw new UserError(
      `--half needs a device with half precision, and the ${engine} engine computes in float32 only${device === 'auto' ? ' (auto picks the CPU)' : ''}: leave --half away.`,
    );
  }
}

/** @throws UserError as `checkDevice`, and where the engine cannot start */
export async function openBackend(choice: BackendChoice): Promise<Backend> {
  checkDevice(choice);
  if (choice.device === 'reference') {
    const { createReferenceBackend } = await import('../../engine/reference/backend.ts');
    return createReferenceBackend();
  }
  if (choice.device === 'webgpu') {
    const [{ createWebGpuBackend }, { createNodeGpuHost }] = await Promise.all([
      import('../../engine/webgpu/backend.ts'),
      import('../../engine/webgpu/host.node.ts'),
    ]);
    return createWebGpuBackend({ gpu: createNodeGpuHost() });
  }
  return openCpuBackend(choice);
}

/** A backend that is being opened; disposed with the scope that opened it, however that ends. */
export interface OpeningBackend extends AsyncDisposable {
  /** Rejects as `openBackend` does. */
  readonly backend: Promise<Backend>;
}

/** Begins to open a backend, so that its threads start while the caller loads data. */
export function beginOpening(choice: BackendChoice): OpeningBackend {
  const backend = openBackend(choice);
  // Whoever needs the backend hears of it; if nobody comes to need it, it was not the first error.
  backend.catch(() => {});
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
