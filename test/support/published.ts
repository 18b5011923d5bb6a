// Published weights (Y. Idelbayev's, in PyTorch's legacy format) on real test images, to be compared
// with what PyTorch makes of them. Works on bytes, wherever they come from.

import { IMAGENET_NORMALIZATION } from '../../src/data/normalization.ts';
import type { Backend, Executable } from '../../src/engine/backend.ts';
import { readWeights } from '../../src/interop/weights.ts';
import { evaluateSplit } from '../../src/train/evaluate.ts';
import { createInference } from '../../src/train/executables.ts';
import { distance } from './deviations.ts';
import { parseRecords } from './golden-steps.ts';

/** Files below `shared/data/pretrained`: `<name>.th` and `<name>.expected.json`. */
export const PUBLISHED_WEIGHTS = ['resnet20-12fca82f', 'resnet56-4bfd9763'] as const;

/** What PyTorch gives, as in `*.expected.json`. */
export interface PublishedExpectation {
  readonly images: number;
  readonly wrong: number;
  /** Mean over the images. */
  readonly cross_entropy: number;
  readonly logits_of_first_16_images: readonly (readonly number[])[];
}

/** Images whose logits are known; also a batch that a software adapter computes in seconds. */
const FIRST = 16;

/** The logits of the first 16 images, one image after the other. */
export async function firstLogits(
  backend: Backend,
  weights: Uint8Array,
  records: Uint8Array,
): Promise<number[]> {
  const executable = await openPublished(backend, weights);
  await executable.run(parseRecords(records, 0, FIRST));
  const logits = await executable.read('logits');
  await executable.dispose();
  return [...logits];
}

/** Wrong answers and mean loss over so many images, which takes minutes on a software adapter. */
export async function evaluatePublished(
  backend: Backend,
  weights: Uint8Array,
  records: Uint8Array,
  count: number,
  onProgress?: (done: number) => void,
): Promise<{ wrong: number; loss: number }> {
  const { images, labels } = parseRecords(records, 0, count);
  const split = { count, images, labels: Uint16Array.from(labels) };
  const executable = await openPublished(backend, weights);
  const { wrong, loss } = await evaluateSplit(executable, split, { onProgress });
  await executable.dispose();
  return { wrong, loss };
}

/** How far those logits are from PyTorch's, relative. */
export function logitsDistance(logits: readonly number[], expected: PublishedExpectation): number {
  const pytorch = expected.logits_of_first_16_images.flat();
  return distance(Float32Array.from(logits), Float32Array.from(pytorch));
}

function openPublished(backend: Backend, bytes: Uint8Array): Promise<Executable> {
  const { network, tensors } = readWeights(bytes);
  return createInference(backend, network, tensors, IMAGENET_NORMALIZATION, FIRST);
}
