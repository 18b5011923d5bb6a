// `--config`: a configuration from a file, whole, as a run's config.json or a table's cell.json holds it.

import { statSync } from 'node:fs';
import path from 'node:path';
import { nodeFileSystem } from '../../runs/file-system.node.ts';
import { CONFIG } from '../../runs/layout.ts';
import { openRun } from '../../runs/reader.ts';
import { readJson } from '../../runs/sealed-json.ts';
import { parseTrainConfig, type TrainConfig } from '../../train/config.ts';
import { UserError } from '../../util/errors.ts';
import { fileError } from '../../util/system-errors.ts';

/**
 * A run's own config.json has to be as the run wrote it; a copy of it carries no checksum and may be changed.
 * @param given a file, or a run folder for its config.json
 * @throws UserError where there is none, it cannot be read, is damaged, or is no configuration
 */
export async function readConfigFile(given: string): Promise<TrainConfig> {
  const isFolder = statSync(given, { throwIfNoEntry: false })?.isDirectory();
  const file = isFolder ? path.join(given, CONFIG) : given;
  const json = await readJson(nodeFileSystem, file, true).catch((error: unknown) => {
    throw fileError(error, { path: file, doing: 'read' });
  });
  if (json === undefined) throw new UserError(`There is no file "${file}".`, { exitCode: 2 });
  if (path.basename(file) === CONFIG) await openRun(nodeFileSystem, path.dirname(file));
  return parseTrainConfig(json, `"${file}"`);
}
