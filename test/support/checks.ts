// What WebGPU has to prove, as functions that take and return JSON, so that they run in Node.js and in
// a page alike. A host gives them backends and the bytes of files. Each precision opens its device
// once and keeps it, so that what was compiled for one check is there for the next.

import type { Backend } from '../../src/engine/backend.ts';
import type { ConformanceCase } from '../conformance/cases.ts';
import {
  COUNTS,
  type ConformanceTolerances,
  evaluationDeviations,
  oracleOutcome,
  outcomeOf,
  stepDeviations,
} from '../conformance/outcome.ts';
import type { Deviation } from './deviations.ts';
import {
  type GoldenOptions,
  type GoldenTolerances,
  goldenDeviations,
  parseFloats,
} from './golden-steps.ts';
import { evaluatePublished, firstLogits } from './published.ts';
import { trainTiny } from './tiny-training.ts';

export type Precision = 'float32' | 'mixed';

/** A file, and CIFAR-10 records to use it with; paths or addresses, as the host has it. */
export interface Files {
  readonly file: string;
  readonly records: string;
}

export interface Host {
  open(precision: Precision): Promise<Backend>;
  bytesOf(file: string): Promise<Uint8Array>;
  /** Told what is being done. */
  log(text: string): void;
}

export interface Checks {
  /** The backend's description. */
  describe(precision: Precision): Promise<string>;
  /** Mean loss of each step of the tiny training. */
  train(precision: Precision): Promise<number[]>;
  /** Every comparison of a case of the conformance suite, in float32. */
  conformance(test: ConformanceCase, tolerances: ConformanceTolerances): Promise<Deviation[]>;
  /** PyTorch's steps. */
  golden(
    precision: Precision,
    files: Files,
    options: GoldenOptions,
    tolerances: GoldenTolerances,
  ): Promise<Deviation[]>;
  /** The logits of published weights on the first images. */
  logits(precision: Precision, files: Files): Promise<number[]>;
  /** Wrong answers and mean loss of published weights on the first `count` images. */
  evaluation(
    precision: Precision,
    files: Files,
    count: number,
  ): Promise<{ wrong: number; loss: number }>;
  close(): Promise<void>;
}

export function createChecks(host: Host): Checks {
  const backends = new Map<Precision, Promise<Backend>>();
  const open = (precision: Precision) => {
    const backend = backends.get(precision) ?? host.open(precision);
    backends.set(precision, backend);
    return backend;
  };
  const openWith = (precision: Precision, { file, records }: Files) =>
    Promise.all([open(precision), host.bytesOf(file), host.bytesOf(records)]);

  return {
    describe: async (precision) => (await open(precision)).description,
    train: async (precision) => await trainTiny(await open(precision)),
    async conformance(test, tolerances) {
      const expected = await oracleOutcome(test);
      const actual = await outcomeOf(await open('float32'), test, expected);
      return [
        ...COUNTS.flatMap((_, i) => stepDeviations(actual, expected, i, tolerances)),
        ...evaluationDeviations(actual, expected, tolerances),
      ];
    },
    async golden(precision, files, options, tolerances) {
      const [backend, tensors, records] = await openWith(precision, files);
      return await goldenDeviations(backend, parseFloats(tensors), records, options, tolerances);
    },
    async logits(precision, files) {
      const [backend, weights, records] = await openWith(precision, files);
      return await firstLogits(backend, weights, records);
    },
    async evaluation(precision, files, count) {
      const [backend, weights, records] = await openWith(precision, files);
      const onProgress = (done: number) => host.log(`${done} of ${count} images`);
      return await evaluatePublished(backend, weights, records, count, onProgress);
    },
    async close() {
      for (const backend of backends.values()) await (await backend).dispose();
      backends.clear();
    },
  };
}
