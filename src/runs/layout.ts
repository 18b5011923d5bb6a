// What lies where in a run folder.

import type { FileSystem } from './file-system.ts';

export const CONFIG = 'config.json';
export const METRICS = 'metrics.jsonl';
export const SUMMARY = 'summary.json';
export const ENVIRONMENT = 'environment.json';
export const LOG = 'log.txt';

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
