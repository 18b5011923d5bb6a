// The golden steps as a test in Node.js: files are read, and what is too far away fails.

import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Backend } from '../../src/engine/backend.ts';
import type { NamedTensors } from '../../src/util/tensor.ts';
import { tooLarge } from './deviations.ts';
import {
  type GoldenOptions,
  type GoldenTolerances,
  goldenDeviations,
  parseFloats,
} from './golden-steps.ts';

export { GOLDEN_FILES } from './golden-steps.ts';

/** The tensors of a golden file. */
export function readFloats(path: string): NamedTensors {
  return parseFloats(readFileSync(path));
}

/** Training steps and an evaluation, compared with PyTorch's. */
export async function checkGolden(
  backend: Backend,
  golden: NamedTensors,
  images: string,
  options: GoldenOptions,
  tolerances: GoldenTolerances,
): Promise<void> {
  const records = readFileSync(images);
  const found = await goldenDeviations(backend, golden, records, options, tolerances);
  expect(tooLarge(found)).toEqual([]);
}
