// What lies where in a run folder.

import type { FileSystem } from './file-system.ts';

export const CONFIG = 'config.json';
export const METRICS = 'metrics.jsonl';
export const SUMMARY = 'summary.json';
export const ENVIRONMENT = 'environment.json';
export const LOG = 'log.txt';

// In the folder of a run of a table (src/experiment):
/** The configuration that a new run is to have. */
export const CELL = 'cell.json';
/** Why the last try of it failed. */
export const FAILURE = 'failure.json';
/** What its final weights make of every class. */
export const EVALUATION = 'evaluation.json';

const EXTENSION = '.safetensors';

export function checkpointPath(dir: string, name: string): string {
  return `${dir}/checkpoints/${name}${EXTENSION}`;
}

/** The checkpoints of a run by name, in order: `best`, `epoch-010`, `last`, `previous` ... */
export async function checkpointNames(files: FileSystem, dir: string): Promise<string[]> {
  return (await files.list(`${dir}/checkpoints`))
    .filter((name) => name.endsWith(EXTENSION))
    .map((name) => name.slice(0, -EXTENSION.length))
    .sort();
}
