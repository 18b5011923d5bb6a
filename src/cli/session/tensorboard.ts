// Event files for TensorBoard in a run's folder.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openTensorBoardWriter } from '../../interop/tensorboard/writer.node.ts';
import type { Run } from '../../runs/run.ts';
import type { SessionOptions } from '../../runs/session.ts';
import { createTensorBoardReader } from '../../runs/tensorboard.ts';
import { systemError } from '../../util/system-errors.ts';

export interface OpenTensorBoard extends AsyncDisposable {
  /** For `tensorboard --logdir`. */
  readonly folder: string;
  readonly observe: NonNullable<SessionOptions['observe']>;
}

/**
 * Opens the event file of a session: where it was asked for, and where the run has some already.
 * @param onProblem is told once why nothing more is written; a run is worth more than its curves
 * @throws UserError if it cannot be written from the beginning
 */
export async function openTensorBoard(
  run: Run,
  wanted: boolean,
  onProblem: (line: string) => void = () => {},
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
  const read = createTensorBoardReader(writer, { every: run.config.metricsEvery });
  let isBroken = false;
  const unlessBroken = async (work: () => Promise<void>) => {
    if (isBroken) return;
    try {
      await work();
    } catch (error) {
      const problem = systemError(error, { path: writer.path, doing: 'write' });
      if (!problem) throw error;
      isBroken = true;
      onProblem(`${problem.message} TensorBoard sees no more of this session.`);
    }
  };
  return {
    folder,
    observe: (event, trainer) => unlessBroken(() => read(event, trainer)),
    [Symbol.asyncDispose]: () => unlessBroken(() => writer.close()),
  };
}
