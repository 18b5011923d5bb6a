// Event files for TensorBoard in a run's folder.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openTensorBoardWriter } from '../../interop/tensorboard/writer.node.ts';
import type { Run } from '../../runs/run.ts';
import type { SessionOptions } from '../../runs/session.ts';
import { createTensorBoardReader } from '../../runs/tensorboard.ts';

export interface OpenTensorBoard extends AsyncDisposable {
  /** For `tensorboard --logdir`. */
  readonly folder: string;
  readonly observe: NonNullable<SessionOptions['observe']>;
}

/**
 * Opens the event file of a session: where it was asked for, and where the run has some already.
 * @throws UserError if it cannot be written
 */
export async function openTensorBoard(
  run: Run,
  wanted: boolean,
): Promise<OpenTensorBoard | undefined> {
  const folder = join(run.dir, 'tensorboard');
  const goesOn = existsSync(folder);
  if (!wanted && !goesOn) return undefined;
  // What earlier files say of later steps is done again; the step itself is the last that is kept.
  const resumeStep = (run.state?.progress.iteration ?? 0) + 1;
  const writer = await run
    .refuseLink('tensorboard')
    .then(() => openTensorBoardWriter(folder, goesOn ? { resumeStep } : {}))
    .catch(async (error: unknown) => {
      await run.close();
      throw error;
    });
  const observe = createTensorBoardReader(writer, { every: run.config.metricsEvery });
  return { folder, observe, [Symbol.asyncDispose]: () => writer.close() };
}
