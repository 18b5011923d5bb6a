// Which images a run was trained on. A resumed run must see the same ones, and a path does not say
// that; reading all of 180 MB through SHA-256 would delay every start by half a second. All labels
// and evenly spread images are enough to tell data sets, orders, sizes and validation splits apart.

import { type Dataset, imageBytes, type Split } from '../data/dataset.ts';
import { sha256Hex } from '../formats/sha256.ts';

const SAMPLED_IMAGES = 256;

/** A short hexadecimal name of the images and labels of all splits and of the classes. */
export async function datasetFingerprint(dataset: Dataset): Promise<string> {
  const parts: Uint8Array[] = [new TextEncoder().encode(JSON.stringify(dataset.classes))];
  for (const split of [dataset.train, dataset.validation, dataset.test]) {
    if (split) parts.push(...sample(split));
  }
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return (await sha256Hex(bytes)).slice(0, 32);
}

function sample(split: Split): Uint8Array[] {
  const { labels, count } = split;
  const little = new DataView(new ArrayBuffer(4 + labels.length * 2));
  little.setUint32(0, count, true);
  labels.forEach((label, i) => {
    little.setUint16(4 + 2 * i, label, true);
  });
  const step = Math.max(1, Math.floor(count / SAMPLED_IMAGES));
  const images: Uint8Array[] = [];
  for (let i = 0; i < count; i += step) images.push(imageBytes(split, i));
  return [new Uint8Array(little.buffer), ...images];
}
