// evaluation.json in a run folder: what `table6 evaluate --json` says about the final weights. The
// report draws its confusion matrix from it; nothing else depends on it.

import * as z from 'zod/mini';
import type { FileSystem } from '../runs/file-system.ts';
import { EVALUATION } from '../runs/layout.ts';
import { readChecked } from '../runs/sealed-json.ts';

const whole = z.int().check(z.minimum(0));

const evaluationSchema = z.object({
  images: whole,
  wrong: whole,
  /** Fractions. */
  top1_error: z.number(),
  top5_error: z.number(),
  /** With the mean over each image and its mirror image; older evaluations are without. */
  mirrored: z.optional(z.object({ wrong: whole, top1_error: z.number(), top5_error: z.number() })),
  classes: z.array(z.object({ name: z.string(), images: whole, accuracy: z.nullable(z.number()) })),
  /** confusion[class][predicted] = images. */
  confusion: z.array(z.array(whole)),
});
export type Evaluation = z.infer<typeof evaluationSchema>;

/**
 * A run's evaluation; undefined where there is none.
 * @throws UserError if the file is damaged
 */
export function readEvaluation(files: FileSystem, dir: string): Promise<Evaluation | undefined> {
  const advice = 'delete it, and reproduce writes it again';
  return readChecked(files, `${dir}/${EVALUATION}`, evaluationSchema, advice);
}
