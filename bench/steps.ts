// Steps one after the other as training does them: images that lie on the device where it takes them,
// and as many steps in flight as are worth it.

import { IMAGE_BYTES } from '../src/data/dataset.ts';
import type { BatchInputs, Executable } from '../src/engine/backend.ts';
import { randomStream } from '../src/util/random.ts';

/** Images to choose batches from, where they lie on the device. */
const HELD_IMAGES = 4096;

export interface Steps {
  /** Begins a step; waits while enough are in flight. */
  next(): Promise<void>;
  /** Waits for all that were begun. */
  finish(): Promise<void>;
}

export async function createSteps(executable: Executable, inputs: BatchInputs): Promise<Steps> {
  const run = await runner(executable, inputs);
  const inFlight = executable.stepsInFlight ?? 1;
  const running: Promise<unknown>[] = [];
  return {
    async next() {
      running.push(run());
      if (running.length >= inFlight) await running.shift();
    },
    async finish() {
      await Promise.all(running.splice(0));
    },
  };
}

async function runner(
  executable: Executable,
  inputs: BatchInputs,
): Promise<() => Promise<unknown>> {
  const images = new Uint8Array(HELD_IMAGES * IMAGE_BYTES);
  for (let at = 0; at < images.length; at += inputs.images.length) {
    images.set(inputs.images.subarray(0, images.length - at), at);
  }
  const held = await executable.hold?.(images);
  if (!held) return () => executable.run(inputs);
  const random = randomStream(1, 'order');
  const indices = Uint32Array.from({ length: inputs.count }, () => random.integer(HELD_IMAGES));
  return () => held.run({ ...inputs, indices });
}

/** A batch of random images with random crops and flips; with SGD's settings, to train on. */
export function randomInputs(
  count: number,
  classes: number,
  mode: 'train' | 'infer' = 'train',
): BatchInputs {
  const random = randomStream(1, 'bench');
  const integers = (length: number, below: (i: number) => number) =>
    Array.from({ length }, (_, i) => random.integer(below(i)));
  return {
    count,
    images: Uint8Array.from(integers(count * IMAGE_BYTES, () => 256)),
    labels: Int32Array.from(integers(count, () => classes)),
    augmentation: Int32Array.from(integers(3 * count, (i) => (i % 3 === 2 ? 2 : 9))),
    sgd: mode === 'train' ? { learningRate: 0.01, momentum: 0.9, weightDecay: 1e-4 } : undefined,
  };
}
