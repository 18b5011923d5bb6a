// Run folders on Node.js: the functions of `run.ts` and `reader.ts` with this host's file system
// and process.

import type { TrainConfig } from '../train/config.ts';
import { nodeFileSystem } from './file-system.node.ts';
import { thisProcess } from './holder.node.ts';
import * as reader from './reader.ts';
import * as runs from './run.ts';

export const nodeHost: runs.RunHost = { files: nodeFileSystem, self: thisProcess };

/** See `run.ts`. */
export function createRun(options: runs.CreateRunOptions): Promise<runs.Run> {
  return runs.createRun(nodeHost, options);
}

/** See `run.ts`. */
export function resumeRun(
  dir: string,
  changes?: Partial<TrainConfig>,
  options?: runs.ResumeOptions,
): Promise<runs.Run> {
  return runs.resumeRun(nodeHost, dir, changes, options);
}

/** See `reader.ts`. */
export function openRun(dir: string): Promise<reader.RunView> {
  return reader.openRun(nodeFileSystem, dir);
}

/** See `reader.ts`. */
export function isRun(dir: string): Promise<boolean> {
  return reader.isRun(nodeFileSystem, dir);
}
