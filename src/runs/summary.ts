// summary.json and environment.json: what a run came to, and where. The report and the page read
// these; nothing that training needs is in them.

import * as z from 'zod/mini';
import { RECIPE_NAMES } from '../train/config.ts';
import { progressSchema } from '../train/state.ts';

const whole = z.int().check(z.minimum(0));

export const summarySchema = z.object({
  arch: z.string(),
  shortcut: z.string(),
  recipe: z.enum(RECIPE_NAMES),
  seed: whole,
  parameters: whole,
  /** How captions must call the data. */
  dataTitle: z.string(),
  /** Only then may the error stand beside the paper's. */
  isOriginalCifar10: z.boolean(),
  trainImages: whole,
  validationImages: whole,
  testImages: whole,
  outcome: z.enum(['running', 'interrupted', 'complete', 'nan']),
  /** Epochs done, and in the whole run. */
  epochsDone: whole,
  epochs: whole,
  iteration: whole,
  /** Errors are fractions; epochs count from 0. `bestOnTest` is optimistic: the test set chose it. */
  result: progressSchema.shape.result,
  /** Time trained, evaluations included. */
  seconds: z.number(),
  /** Of config.json, as far as a run keeps it; older versions wrote none. */
  configChecksum: z.optional(z.string()),
  /** Of the weights and running statistics in `last`. */
  weightsSha256: z.optional(z.string()),
  /** What went wrong, for people. */
  message: z.optional(z.string()),
});
export type RunSummary = z.infer<typeof summarySchema>;

/** Facts of the host and the data, as `key: value`. */
const factsSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
export type Facts = z.infer<typeof factsSchema>;

/** One session: from a start or a resume to the next end. */
export const sessionSchema = z.object({
  started: z.string(),
  /** Step at which it began. */
  iteration: whole,
  host: factsSchema,
  backend: factsSchema,
  data: factsSchema,
  /** Tile shapes of a GPU's kernels, where they were measured. */
  tiles: z.optional(z.record(z.string(), z.string())),
});
export type SessionRecord = z.infer<typeof sessionSchema>;

export const environmentSchema = z.object({ sessions: z.array(sessionSchema) });
export type RunEnvironment = z.infer<typeof environmentSchema>;
