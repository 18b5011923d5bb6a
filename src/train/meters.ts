// Running sums of a part of an epoch. Sums, not averages: a short last batch then counts with its
// weight by itself, and a checkpoint in the middle of an epoch saves the meters exactly.

import * as z from 'zod/mini';
import type { BatchMetrics } from '../engine/backend.ts';
import type { BatchResult } from './events.ts';

export const meterSchema = z.strictObject({
  /** Images so far. */
  count: z.int().check(z.minimum(0)),
  /** Sum over images of the cross-entropy. */
  lossSum: z.number(),
  correctTop1: z.int().check(z.minimum(0)),
  correctTop5: z.int().check(z.minimum(0)),
});

export type Meter = Readonly<z.infer<typeof meterSchema>>;

export const EMPTY_METER: Meter = { count: 0, lossSum: 0, correctTop1: 0, correctTop5: 0 };

export function addToMeter(meter: Meter, batch: BatchMetrics): Meter {
  return {
    count: meter.count + batch.count,
    lossSum: meter.lossSum + batch.lossSum,
    correctTop1: meter.correctTop1 + batch.correctTop1,
    correctTop5: meter.correctTop5 + batch.correctTop5,
  };
}

/** Means over the images: loss, and top-1 and top-5 accuracy as fractions. */
export function averages(meter: Meter): { loss: number; top1: number; top5: number } {
  return {
    loss: meter.lossSum / meter.count,
    top1: meter.correctTop1 / meter.count,
    top5: meter.correctTop5 / meter.count,
  };
}

/** Mean loss, and top-1 and top-5 error as fractions. */
export function errorsOf(meter: Meter): { loss: number; top1Error: number; top5Error: number } {
  return {
    loss: meter.lossSum / meter.count,
    top1Error: (meter.count - meter.correctTop1) / meter.count,
    top5Error: (meter.count - meter.correctTop5) / meter.count,
  };
}

/** A batch's numbers, and the averages up to and with it, as events carry them. */
export function stepAverages(metrics: BatchMetrics, meter: Meter): Omit<BatchResult, 'count'> {
  const batch = averages(addToMeter(EMPTY_METER, metrics));
  const { loss, top1, top5 } = averages(meter);
  return {
    loss: batch.loss,
    lossAverage: loss,
    top1: batch.top1,
    top1Average: top1,
    top5: batch.top5,
    top5Average: top5,
  };
}
