// A backend as a device beside the host would be, made of any other: what is submitted waits in a
// queue, and a step reads its inputs no earlier than its turn comes, so that memory which is used again
// too early shows in the weights. Where it holds images, batches name them.

import { createBatch } from '../../../src/data/batches.ts';
import { IMAGE_BYTES } from '../../../src/data/dataset.ts';
import type {
  Backend,
  BatchInputs,
  BatchMetrics,
  Executable,
  HeldImages,
  SelectedInputs,
} from '../../../src/engine/backend.ts';

export interface DeviceOptions {
  readonly stepsInFlight?: number;
  /** Whether it has room for images; asked, it says no where this is false. Default true. */
  readonly holds?: boolean;
  /** Told how many steps are in flight after each that is submitted, by the program's mode. */
  readonly onSubmit?: (inFlight: number, mode: 'train' | 'infer') => void;
  /** Told the bytes that are brought with a batch or held. */
  readonly onImages?: (how: 'brought' | 'held', bytes: number) => void;
  /** Done before a step, when its turn has come; may fail it. */
  readonly beforeStep?: (mode: 'train' | 'infer') => void;
}

export function besideHost(backend: Backend, options: DeviceOptions = {}): Backend {
  return {
    ...backend,
    compile: async (program, from) =>
      deviceExecutable(await backend.compile(program, from), options),
    dispose: () => backend.dispose(),
  };
}

/** @param inner computes the steps */
export function deviceExecutable(inner: Executable, options: DeviceOptions = {}): Executable {
  const { stepsInFlight = 4, holds = true, onSubmit, onImages, beforeStep } = options;
  const { program } = inner;
  const { mode } = program;
  let queue: Promise<unknown> = Promise.resolve();
  let inFlight = 0;
  const submit = <T>(work: () => Promise<T>): Promise<T> => {
    const result = queue.then(() => new Promise((resolve) => setImmediate(resolve))).then(work);
    queue = result.catch(() => {});
    return result;
  };
  const step = (inputs: () => BatchInputs): Promise<BatchMetrics> => {
    onSubmit?.(++inFlight, mode);
    return submit(async () => {
      beforeStep?.(mode);
      return await inner.run(inputs());
    }).finally(() => inFlight--);
  };
  return {
    program,
    memoryBytes: inner.memoryBytes,
    stepsInFlight,
    write: (buffer, values) => submit(() => inner.write(buffer, values)),
    read: (buffer) => submit(() => inner.read(buffer)),
    readState: async () => submit(async () => (await inner.readState?.()) ?? {}),
    dispose: () => submit(() => inner.dispose()),
    run(batch) {
      onImages?.('brought', batch.count * IMAGE_BYTES);
      return step(() => batch);
    },
    async hold(images): Promise<HeldImages | undefined> {
      if (!holds) return undefined;
      onImages?.('held', images.length);
      const held = images.slice();
      return {
        run: (batch) => step(() => withImages(batch, held, program.batchSize)),
        dispose: async () => {},
      };
    },
  };
}

function withImages(batch: SelectedInputs, held: Uint8Array, batchSize: number): BatchInputs {
  const { images } = createBatch(batchSize);
  for (let i = 0; i < batch.count; i++) {
    const from = batch.indices[i]! * IMAGE_BYTES;
    images.set(held.subarray(from, from + IMAGE_BYTES), i * IMAGE_BYTES);
  }
  return { ...batch, images };
}
