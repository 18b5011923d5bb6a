// metrics.jsonl: one JSON object a line. What a run measured, in the order in which it did; steps
// are thinned to every `metricsEvery`-th. A resumed run cuts the file to where its state was taken,
// so in the end it has the lines of a run that was never stopped, apart from the times.

import * as z from 'zod/mini';
import type { TrainConfig } from '../train/config.ts';
import type { TrainEvent } from '../train/events.ts';

const whole = z.int().check(z.minimum(0));

const stepRecordSchema = z.object({
  kind: z.literal('step'),
  epoch: whole,
  batch: whole,
  iteration: whole,
  loss: z.number(),
  lossAverage: z.number(),
  top1: z.number(),
  top1Average: z.number(),
  learningRate: z.number(),
  imagesPerSecond: z.number(),
  batchTime: z.number(),
  dataTime: z.number(),
  time: z.number(),
});

const rateRecordSchema = z.object({
  kind: z.literal('rate'),
  epoch: whole,
  batch: whole,
  iteration: whole,
  factor: z.number(),
  learningRate: z.number(),
  time: z.number(),
});

const epochRecordSchema = z.object({
  kind: z.literal('epoch'),
  epoch: whole,
  iteration: whole,
  learningRate: z.number(),
  /** Running averages over changing weights, batch norm in training mode. */
  trainLoss: z.number(),
  trainTop1: z.number(),
  trainTop5: z.number(),
  imagesPerSecond: z.number(),
  seconds: z.number(),
  time: z.number(),
});

const evaluationRecordSchema = z.object({
  kind: z.literal('evaluation'),
  split: z.enum(['train', 'validation', 'test']),
  epoch: whole,
  images: whole,
  partial: z.boolean(),
  wrong: whole,
  loss: z.number(),
  top1Error: z.number(),
  top5Error: z.number(),
  isBest: z.boolean(),
  bestError: z.number(),
  bestEpoch: whole,
  seconds: z.number(),
  time: z.number(),
});

const metricsRecordSchema = z.discriminatedUnion('kind', [
  stepRecordSchema,
  rateRecordSchema,
  epochRecordSchema,
  evaluationRecordSchema,
]);

export type MetricsRecord = z.infer<typeof metricsRecordSchema>;

/** Fields that differ between two runs that trained the same. */
export const TIME_FIELDS = ['imagesPerSecond', 'batchTime', 'dataTime', 'seconds', 'time'] as const;

/**
 * The line of an event, without fields that other lines imply.
 * @param time milliseconds since 1970
 * @returns undefined for events that leave none
 */
export function metricsRecord(
  event: TrainEvent,
  config: Pick<TrainConfig, 'metricsEvery'>,
  time: number,
): MetricsRecord | undefined {
  switch (event.kind) {
    case 'step': {
      const last = event.batch + 1 === event.batches;
      if (event.batch % config.metricsEvery !== 0 && !last) return undefined;
      return stepRecordSchema.parse({ ...event, time });
    }
    case 'rate':
      return rateRecordSchema.parse({ ...event, time });
    case 'epoch-end':
      return epochRecordSchema.parse({ ...event, kind: 'epoch', time });
    case 'evaluation':
      return evaluationRecordSchema.parse({ ...event, time });
    default:
      return undefined;
  }
}

/** Reads metrics.jsonl; a last line that a crash cut short is left out. */
export function parseMetrics(text: string): MetricsRecord[] {
  return text.split('\n').flatMap((line) => parseLine(line) ?? []);
}

function parseLine(line: string): MetricsRecord | undefined {
  try {
    return metricsRecordSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** The lines that are no records, from 1; a last line without an end is not among them. */
export function damagedLines(text: string): number[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.flatMap((line, index) => (parseLine(line) ? [] : [index + 1]));
}

/** Epochs with more than one line, which older versions wrote when an evaluation was interrupted. */
export function doubledEpochs(text: string): number[] {
  const ends = parseMetrics(text).filter(({ kind }) => kind === 'epoch');
  const byEpoch = Map.groupBy(ends, ({ epoch }) => epoch);
  return [...byEpoch].filter(([, lines]) => lines.length > 1).map(([epoch]) => epoch);
}
