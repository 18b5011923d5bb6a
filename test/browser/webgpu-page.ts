// Runs inside the page, on the browser's own WebGPU: the same cases as in Node.js. Each precision
// opens its device once and keeps it, so that what was compiled for one check is there for the next.
// Files are fetched from the addresses that the test serves them at.

import { createWebGpuBackend, type WebGpuBackend } from '../../src/engine/webgpu/backend.ts';
import { createBrowserGpuHost } from '../../src/engine/webgpu/host.browser.ts';
import type { ConformanceCase } from '../conformance/cases.ts';
import {
  COUNTS,
  type ConformanceTolerances,
  evaluationDeviations,
  oracleOutcome,
  outcomeOf,
  stepDeviations,
} from '../conformance/outcome.ts';
import type { Deviation } from '../support/deviations.ts';
import {
  type GoldenOptions,
  type GoldenTolerances,
  goldenDeviations,
  parseFloats,
} from '../support/golden-steps.ts';
import { evaluatePublished, firstLogits } from '../support/published.ts';
import { trainTiny } from '../support/tiny-training.ts';

export type Precision = 'float32' | 'mixed';

/** Where the test serves a file and the images that go with it. */
export interface Served {
  readonly file: string;
  readonly records: string;
}

const backends = new Map<Precision, Promise<WebGpuBackend>>();

function open(precision: Precision): Promise<WebGpuBackend> {
  const gpu = createBrowserGpuHost();
  const backend =
    backends.get(precision) ?? createWebGpuBackend({ gpu, half: precision === 'mixed' });
  backends.set(precision, backend);
  return backend;
}

export async function describeBackend(precision: Precision): Promise<string> {
  return (await open(precision)).description;
}

/** Mean loss of each step of the tiny training. */
export async function train(): Promise<number[]> {
  return await trainTiny(await open('float32'));
}

/** Every comparison of a case of the conformance suite. */
export async function conformance(
  test: ConformanceCase,
  tolerances: ConformanceTolerances,
): Promise<Deviation[]> {
  const expected = await oracleOutcome(test);
  const actual = await outcomeOf(await open('float32'), test, expected);
  return [
    ...COUNTS.flatMap((_, i) => stepDeviations(actual, expected, i, tolerances)),
    ...evaluationDeviations(actual, expected, tolerances),
  ];
}

export async function golden(
  precision: Precision,
  { file, records }: Served,
  options: GoldenOptions,
  tolerances: GoldenTolerances,
): Promise<Deviation[]> {
  const [backend, tensors, images] = await Promise.all([
    open(precision),
    bytesOf(file),
    bytesOf(records),
  ]);
  return await goldenDeviations(backend, parseFloats(tensors), images, options, tolerances);
}

/** The logits of published weights on the first images. */
export async function logits(precision: Precision, { file, records }: Served): Promise<number[]> {
  const [backend, weights, images] = await Promise.all([
    open(precision),
    bytesOf(file),
    bytesOf(records),
  ]);
  return [...(await firstLogits(backend, weights, images))];
}

/** Wrong answers and loss of published weights; progress goes to the page's console. */
export async function evaluation(
  precision: Precision,
  { file, records }: Served,
  count: number,
): Promise<{ wrong: number; loss: number }> {
  const [backend, weights, images] = await Promise.all([
    open(precision),
    bytesOf(file),
    bytesOf(records),
  ]);
  const onProgress = (done: number) => console.info(`${done} of ${count} images`);
  return await evaluatePublished(backend, weights, images, count, onProgress);
}

async function bytesOf(address: string): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
