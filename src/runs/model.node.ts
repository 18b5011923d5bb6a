// Models by path, for Node: a run folder, or any weights file.

import { statSync } from 'node:fs';
import { readBytes } from '../interop/weights.node.ts';
import { UserError } from '../util/errors.ts';
import { checkpointModel, type Model, type ModelOptions, readWholeModel } from './model.ts';
import { trimSlash } from './run.ts';
import { openRun } from './runs.node.ts';

/**
 * Opens a run folder or a weights file.
 * @param options.checkpoint which of a run's checkpoints (default: best, else last)
 * @param options the rest is what the user says of weights that do not say it
 * @throws UserError for anything that is neither, is damaged, or is another network
 */
export async function openModel(
  path: string,
  options: ModelOptions & { readonly checkpoint?: string } = {},
): Promise<Model> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new UserError(`${path} does not exist: give a run folder or a weights file.`);
  if (found.isDirectory()) return openRunModel(path, options);
  if (options.checkpoint !== undefined) {
    throw new UserError(`A checkpoint is chosen within a run folder, and ${path} is a file.`, {
      exitCode: 2,
      code: 'checkpoint-of-a-file',
      facts: { path },
    });
  }
  return await readWholeModel(await readBytes(path), path, options);
}

async function openRunModel(
  dir: string,
  { checkpoint, ...options }: ModelOptions & { readonly checkpoint?: string },
): Promise<Model> {
  const run = await openRun(trimSlash(dir));
  const name = checkpoint ?? (run.checkpoints.includes('best') ? 'best' : 'last');
  return checkpointModel(`${run.dir} (${name})`, await run.readWeights(name), options);
}
