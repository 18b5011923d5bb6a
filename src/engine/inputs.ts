// The host's side of a batch: the normalisation as the program wants it.

import { IMAGE_BYTES, IMAGE_CHANNELS } from '../data/dataset.ts';
import type { Normalization } from '../data/normalization.ts';

/**
 * (byte / 255 − mean) / deviation as byte · factor + bias: three channel factors, then one bias for
 * each of the 32 × 32 × 3 places, which serves channel means and per-pixel means alike.
 * @returns values of the program's `normalization` buffer
 */
export function normalizationValues({ mean, deviation }: Normalization): Float32Array {
  const perPixel = mean.length === IMAGE_BYTES;
  if (!perPixel && mean.length !== IMAGE_CHANNELS) {
    throw new RangeError(`a normalisation has ${IMAGE_CHANNELS} or ${IMAGE_BYTES} means`);
  }
  const values = new Float32Array(IMAGE_CHANNELS + IMAGE_BYTES);
  for (let c = 0; c < IMAGE_CHANNELS; c++) values[c] = 1 / (255 * deviation[c]!);
  for (let place = 0; place < IMAGE_BYTES; place++) {
    const c = place % IMAGE_CHANNELS;
    values[IMAGE_CHANNELS + place] = -mean[perPixel ? place : c]! / deviation[c]!;
  }
  return values;
}
