// `--config`: a configuration from a file, whole, as a run's config.json holds it.

import { statSync } from 'node:fs';
import { nodeFileSystem } from '../../runs/file-system.node.ts';
import { CONFIG } from '../../runs/layout.ts';
import { readJson } from '../../runs/reader.ts';
import { parseTrainConfig, type TrainConfig } from '../../train/config.ts';
import { messageOf, UserError } from '../../util/errors.ts';

/**
 * @param path a file, or a run folder for its config.json
 * @throws UserError where there is none, it cannot be read, or it is no configuration
 */
export async function readConfigFile(path: string): Promise<TrainConfig> {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory();
  const file = isFolder ? `${path}/${CONFIG}` : path;
  const json = await readJson(nodeFileSystem, file).catch((error: unknown) => {
    if (error instanceof UserError) throw error;
    throw new UserError(`"${file}" cannot be read: ${messageOf(error)}.`, { cause: error });
  });
  if (json === undefined) throw new UserError(`There is no file "${file}".`, { exitCode: 2 });
  return parseTrainConfig(json, `"${file}"`);
}
