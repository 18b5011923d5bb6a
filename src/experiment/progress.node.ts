// Where a running run is, from the end of its metrics.jsonl: an overview that is drawn every second
// must not read the whole file each time.

import { open } from 'node:fs/promises';
import { METRICS } from '../runs/layout.ts';
import { type MetricsRecord, parseMetrics } from '../runs/metrics.ts';
import type { TrainConfig } from '../train/config.ts';

export interface Progress {
  readonly epoch: number;
  readonly iteration: number;
  readonly loss: number;
  readonly imagesPerSecond: number;
  /** Fraction, of the latest evaluated epoch that is still in sight. */
  readonly testError?: { readonly epoch: number; readonly error: number };
}

/** An epoch's end and the steps around it fit into this. */
const TAIL_BYTES = 16 * 1024;

/** @returns undefined before the first recorded step */
export async function readProgress(dir: string): Promise<Progress | undefined> {
  const records = await readTail(`${dir}/${METRICS}`);
  const step = records.findLast((record) => record.kind === 'step');
  if (!step) return undefined;
  const test = records.findLast(
    (record) => record.kind === 'evaluation' && record.split === 'test',
  );
  const { epoch, iteration, lossAverage, imagesPerSecond } = step;
  return {
    epoch,
    iteration,
    loss: lossAverage,
    imagesPerSecond,
    ...(test?.kind === 'evaluation' && {
      testError: { epoch: test.epoch, error: test.top1Error },
    }),
  };
}

async function readTail(path: string): Promise<MetricsRecord[]> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return [];
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const bytes = new Uint8Array(size - start);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
    // A first line that begins in the middle is no record, and is left out as such.
    return parseMetrics(new TextDecoder().decode(bytes.subarray(0, bytesRead)));
  } finally {
    await file.close();
  }
}

/** Seconds of training left, at the speed of the latest step; evaluations not counted. */
export function secondsLeft(
  { iteration, imagesPerSecond }: Progress,
  iterations: number,
  { batchSize }: Pick<TrainConfig, 'batchSize'>,
): number {
  return ((iterations - iteration) * batchSize) / imagesPerSecond;
}
