// What a submission is made with, as it was asked for: kept with it, so that `retry` asks for the same.

import * as z from 'zod/mini';

export const slurmOptionsSchema = z.object({
  partition: z.optional(z.string()),
  account: z.optional(z.string()),
  qos: z.optional(z.string()),
  gres: z.optional(z.string()),
  constraint: z.optional(z.string()),
  /** `VALUE[,NETWORK=VALUE...]`; where it is absent they are estimated. */
  time: z.optional(z.string()),
  mem: z.optional(z.string()),
  arrayLimit: z.optional(z.number()),
  /** Sourced by every script. */
  setup: z.optional(z.string()),
  /** An Apptainer image that table6 runs in. */
  container: z.optional(z.string()),
  /** Seconds before the end at which a task is told to save. */
  grace: z.number(),
  maxRequeues: z.number(),
  /** The cluster requeues by itself. */
  noRequeue: z.boolean(),
});
export type SlurmOptions = z.infer<typeof slurmOptionsSchema>;

/** Options of `table6 task`, such as `--threads=4`, and how many cores that takes. */
export const taskSchema = z.object({
  arguments: z.array(z.string()),
  threads: z.number(),
});
export type TaskSettings = z.infer<typeof taskSchema>;
