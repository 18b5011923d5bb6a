// Which images a run was trained on. A resumed run must see the same ones, and a path does not say that:
// every byte of every image and label counts, and so do their order, the split and the names of the classes.

import { type Dataset, imageBytes, type Split } from '../data/dataset.ts';
import { sha256Hex } from '../formats/sha256.ts';

/** A hexadecimal name of the images and labels of all splits and of the classes. */
export async function datasetFingerprint(dataset: Dataset): Promise<string> {
  const splits: unknown[] = [];
  for (const split of [dataset.train, dataset.validation, dataset.test]) {
    splits.push(split ? await splitFingerprint(split) : null);
  }
  const text = JSON.stringify({ classes: dataset.classes, splits });
  return await sha256Hex(new TextEncoder().encode(text));
}

async function splitFingerprint({ count, images, labels }: Split) {
  return {
    count,
    images: await sha256Hex(unshared(images)),
    labels: await sha256Hex(labelBytes(labels)),
  };
}

/** Checksums are not taken of memory that others may write meanwhile. */
function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
    ? (bytes as Uint8Array<ArrayBuffer>)
    : new Uint8Array(bytes);
}

/** Little-endian, whatever the machine. */
function labelBytes(labels: Uint16Array): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(2 * labels.length));
  labels.forEach((label, i) => {
    view.setUint16(2 * i, label, true);
  });
  return new Uint8Array(view.buffer);
}

const SAMPLED_IMAGES = 256;

/** What earlier versions took for a fingerprint: all labels, and some 256 images. */
export async function sampledFingerprint(dataset: Dataset): Promise<string> {
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
  const total = new DataView(new ArrayBuffer(4));
  total.setUint32(0, count, true);
  const step = Math.max(1, Math.floor(count / SAMPLED_IMAGES));
  const images: Uint8Array[] = [];
  for (let i = 0; i < count; i += step) images.push(imageBytes(split, i));
  return [new Uint8Array(total.buffer), labelBytes(labels), ...images];
}
