// How a configuration describes the learning rate over a run: its schedule and its warm-up.
// `schedule.ts` gives them their meaning.

import * as z from 'zod/mini';
import { UserError } from '../util/errors.ts';
import { schemaOf } from './setting.ts';

/** A learning rate, or a factor of one. */
export const RATE = { kind: 'number', above: 0, maximum: 1000 } as const;
/** Epochs or iterations of a run. */
export const LENGTH = { kind: 'integer', minimum: 1 } as const;

const rate = schemaOf(RATE);
const share = z.number().check(z.minimum(0), z.maximum(1));

/**
 * A time of a smaller learning rate at the beginning; the rate of the schedule is multiplied by
 * `factor` while it lasts.
 */
export const warmupSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  /** The notebook's intention for ResNet-110 and -1202: the first epoch(s). */
  z.strictObject({ kind: z.literal('epochs'), epochs: schemaOf(LENGTH), factor: rate }),
  /** The paper, section 4.2: until the training error is below `trainError` (0.8). */
  z.strictObject({ kind: z.literal('until-error'), trainError: share, factor: rate }),
  /** What the notebook's code does with PyTorch ≥ 1.4: the factor is never taken back. */
  z.strictObject({ kind: z.literal('whole-run'), factor: rate }),
]);

const scheduleLength = {
  /** What `length` and `milestones` count. */
  unit: z.enum(['epochs', 'iterations']),
  /** Epochs or iterations (batches) in the whole run. */
  length: schemaOf(LENGTH),
};

/** How the learning rate moves and when training ends. */
export const scheduleSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('steps'),
    ...scheduleLength,
    /** The rate is multiplied by `gamma` when this many epochs or iterations are done. */
    milestones: schemaOf({ kind: 'integers' }),
    gamma: rate,
    warmup: warmupSchema,
  }),
  /** Half a cosine from `learningRate` down to zero, step by step (Loshchilov and Hutter, 2017). */
  z.strictObject({ kind: z.literal('cosine'), ...scheduleLength, warmup: warmupSchema }),
  /** One-cycle: up to `learningRate`, its peak, and down to zero, both in a straight line. */
  z.strictObject({
    kind: z.literal('one-cycle'),
    ...scheduleLength,
    /** Share of the run until the peak, which is its warm-up. */
    rise: share,
  }),
]);

/** From step `iteration` on the schedule's rate is multiplied by `factor`, until the next change. */
const rateChangeSchema = z.strictObject({
  iteration: z.int().check(z.minimum(0)),
  factor: rate,
});
export const rateChangesSchema = z.array(rateChangeSchema);

/** The kinds of schedules, by the words that they are chosen with. */
export const SCHEDULE_KINDS = ['steps', 'cosine', 'one-cycle'] as const;

export type RateChange = z.infer<typeof rateChangeSchema>;
export type ScheduleConfig = z.infer<typeof scheduleSchema>;
export type WarmupConfig = z.infer<typeof warmupSchema>;

/** Networks of 110 layers and more begin at a tenth of the rate (section 4.2); so do all warm-ups. */
export const WARM_UP_FACTOR = 0.1;

/**
 * Reads a warm-up as people write it: `none`, a number of epochs (`1`), a training error to reach
 * (`80%`), or `whole-run`.
 * @throws UserError naming the forms that exist; "--warm-up" goes before its sentence
 */
export function parseWarmup(text: string): WarmupConfig {
  const factor = WARM_UP_FACTOR;
  if (text === 'none' || text === '0') return { kind: 'none' };
  if (text === 'whole-run') return { kind: 'whole-run', factor };
  if (/^\d{1,6}$/.test(text)) return { kind: 'epochs', epochs: Number(text), factor };
  const percent = /^(\d{1,2}(?:\.\d+)?)\s*%$/.exec(text);
  if (percent) return { kind: 'until-error', trainError: Number(percent[1]) / 100, factor };
  throw new UserError(
    `must be none, a number of epochs (1), a training error to reach (80%) or whole-run, not "${text}"`,
    { exitCode: 2 },
  );
}
