// Where the files that are not part of the project would be: published weights, golden values and
// real images. Tests that need them skip, saying so, when they are not there.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { PublishedExpectation } from './published.ts';

const SHARED = fileURLToPath(new URL('../../../shared', import.meta.url));

/** Absolute path of a shared file, or undefined when it is not on this machine. */
export function sharedFile(path: string): string | undefined {
  const full = `${SHARED}/${path}`;
  if (existsSync(full)) return full;
  console.warn(`skipped: ../shared/${path} is not on this machine`);
  return undefined;
}

/** CIFAR-10's own test images, or the first of them. */
export function sharedRecords(): string | undefined {
  return sharedFile('data/cifar10-sample/cifar-10-batches-bin/test_batch.bin');
}

/** Published weights, images to classify, and what PyTorch makes of them. */
export interface PublishedFiles {
  readonly file: string;
  readonly records: string;
  readonly expected: PublishedExpectation;
}

/** @param name one of `PUBLISHED_WEIGHTS` */
export function sharedPublished(name: string): PublishedFiles | undefined {
  const file = sharedFile(`data/pretrained/${name}.th`);
  const expectation = sharedFile(`data/pretrained/${name}.expected.json`);
  const records = sharedRecords();
  if (!file || !expectation || !records) return undefined;
  return { file, records, expected: JSON.parse(readFileSync(expectation, 'utf8')) };
}
