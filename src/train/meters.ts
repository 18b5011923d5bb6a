// Running sums of a part of an epoch. Sums, not averages: a short last batch then counts with its
// weight by itself, and a checkpoint in the middle of an epoch saves the meters exactly.

import * as z from 'zod/mini';
import type { BatchMetrics } from '../engine/backend.ts';

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

/** What an evaluation of a split came to. */
export interface SplitErrors {
  readonly images: number;
  /** True where `limitBatches` left images out, in a sample of all classes: not the split's own error. */
  readonly partial: boolean;
  readonly wrong: number;
  /** Mean cross-entropy. */
  readonly loss: number;
  /** Fractions. */
  readonly top1Error: number;
  readonly top5Error: number;
}

/** @param split what was evaluated, wholly or in part */
export function splitErrors(meter: Meter, split: { readonly count: number }): SplitErrors {
  const { count: images, correctTop1, correctTop5 } = meter;
  return {
    images,
    partial: images < split.count,
    wrong: images - correctTop1,
    loss: meter.lossSum / images,
    top1Error: (images - correctTop1) / images,
    top5Error: (images - correctTop5) / images,
  };
}

/**
 * What a batch came to, and averages, which weigh batches by their images, from the first one to it.
 * The training accuracy during an epoch is a running average over changing weights, with batch norm
 * in training mode; it is not the accuracy of any one set of weights.
 */
export interface BatchResult {
  /** Images in the batch. */
  readonly count: number;
  /** Of this batch, before its update. */
  readonly loss: number;
  readonly lossAverage: number;
  readonly top1: number;
  readonly top1Average: number;
  readonly top5: number;
  readonly top5Average: number;
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
