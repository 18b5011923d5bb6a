// The weights, images and labels of the small golden values: the formula of make_golden.py, which
// explains it, in TypeScript. Integers and one rounding to float32, so both get the same bits.

import { IMAGE_BYTES } from '../../src/data/dataset.ts';
import type { BatchInputs } from '../../src/engine/backend.ts';
import type { Network } from '../../src/nn/network.ts';
import { parameterSpecs, runningStatisticSpecs } from '../../src/nn/parameters.ts';
import { elementCount, type NamedTensors } from '../../src/util/tensor.ts';
import { unmoved } from '../support/golden-steps.ts';

/** Unsigned 32-bit integers: murmur3's finalizer over FNV-1a of the stream's name. */
export function noise(stream: string): (index: number) => number {
  let state = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(stream)) {
    state = Math.imul(state ^ byte, 0x01000193);
  }
  return (index) => {
    let x = (Math.imul(index, 0x9e3779b1) + state) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return (x ^ (x >>> 16)) >>> 0;
  };
}

function initialValues(name: string, shape: readonly number[]): Float32Array {
  const random = noise(name);
  const scale = shape.length > 1 ? Math.sqrt(6 / elementCount(shape.slice(1))) : 0.25;
  const isNearZero = shape.length > 1 || /(bias|running_mean)$/.test(name);
  return Float32Array.from(
    { length: elementCount(shape) },
    (_, i) => (isNearZero ? 0 : 1) + scale * (random(i) / 2 ** 31 - 1),
  );
}

/** Parameters and running statistics. */
export function goldenWeights(network: Network): NamedTensors {
  return new Map(
    [...parameterSpecs(network), ...runningStatisticSpecs(network)].map(({ name, shape }) => [
      name,
      { shape, data: initialValues(name, shape) },
    ]),
  );
}

/** Images `first` to `first + count`, without augmentation. */
export function goldenBatch(first: number, count: number): BatchInputs {
  const [coarse, fine, label] = [noise('coarse'), noise('fine'), noise('labels')];
  const images = new Uint8Array(count * IMAGE_BYTES);
  let at = 0;
  for (let n = first; n < first + count; n++) {
    for (let y = 0; y < 32; y++) {
      for (let x = 0; x < 32; x++) {
        for (let c = 0; c < 3; c++) {
          const block = ((n * 3 + c) * 8 + (y >> 2)) * 8 + (x >> 2);
          const pixel = ((n * 3 + c) * 32 + y) * 32 + x;
          images[at++] = (coarse(block) >>> 25) + (fine(pixel) >>> 25);
        }
      }
    }
  }
  const labels = Int32Array.from({ length: count }, (_, n) => label(first + n) % 10);
  return { count, images, labels, augmentation: unmoved(count) };
}
